import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { CompiledPolicy } from "@claws/contracts";
import { compileProfile } from "@claws/policy";
import { ConfigError } from "@claws/service-kit";
import type { Settings } from "./settings.ts";

/**
 * Compiles the profile and writes the policy that every service starts from. A mistake takes the old
 * policy away too: a stack never runs on rules that its owner meant to replace.
 */
export function writePolicy(settings: Settings): CompiledPolicy {
  const source = join(settings.PROFILES_DIR, `${settings.PROFILE}.yaml`);
  rmSync(settings.POLICY_FILE, { force: true });
  const compilation = compileProfile(settings.PROFILE, readSource(source), {
    allowedTools: settings.ALLOWED_TOOLS,
    blockedTools: settings.BLOCKED_TOOLS,
    maxApiCallsPerMinute: settings.MAX_API_CALLS_PER_MINUTE,
    maxCostPerSessionUsd: settings.MAX_COST_PER_SESSION_USD,
    maxTokensPerRequest: settings.MAX_TOKENS_PER_REQUEST,
  });
  if (!compilation.ok) {
    const mistakes = compilation.mistakes.map(({ line, message }) =>
      line === undefined ? message : `line ${line}: ${message}`,
    );
    throw new ConfigError(`profiles/${settings.PROFILE}.yaml: ${mistakes.join("; ")}`);
  }
  writeWhole(settings.POLICY_FILE, JSON.stringify(compilation.policy));
  return compilation.policy;
}

function readSource(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`the profile ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function writeWhole(path: string, content: string): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, "w", 0o444);
  writeSync(file, content);
  fsyncSync(file);
  closeSync(file);
  renameSync(temporary, path);
}
