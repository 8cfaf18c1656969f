import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { CompiledPolicy } from "@claws/contracts";
import { compileProfile } from "@claws/policy";
import { ConfigError, readPolicyFile } from "@claws/service-kit";
import { takeChosenProfile } from "./chosen-profile.ts";
import type { CompileSettings } from "./settings.ts";
import { writeWhole } from "./write-whole.ts";

/**
 * Compiles the chosen profile and writes the policy that every service starts from. A mistake takes the
 * old policy away too: a stack never runs on rules that its owner meant to replace.
 */
export function writePolicy(settings: CompileSettings): CompiledPolicy {
  const target = join(settings.POLICY_DIR, "policy.json");
  rmSync(target, { force: true });
  const policy = compile(takeChosenProfile(settings.POLICY_DIR), settings);
  writeWhole(target, JSON.stringify(policy));
  return policy;
}

/**
 * Compiles the profile of the policy in force once more, for services that read a changed one while they run. Validated
 * first: after a mistake the policy is what it was.
 */
export function rewritePolicy(settings: CompileSettings): CompiledPolicy {
  const target = join(settings.POLICY_DIR, "policy.json");
  const { profile } = readPolicyFile(target);
  const policy = compile(profile, settings);
  writeWhole(target, JSON.stringify(policy));
  return policy;
}

function compile(profile: string, settings: CompileSettings): CompiledPolicy {
  const allowedTools: Readonly<Record<string, string | undefined>> = {
    basic: settings.ALLOWED_TOOLS_BASIC,
    filtered: settings.ALLOWED_TOOLS_FILTERED,
  };
  const compilation = compileProfile(profile, readSource(join(settings.PROFILES_DIR, `${profile}.yaml`)), {
    allowedTools: allowedTools[profile],
    blockedTools: settings.BLOCKED_TOOLS,
    maxApiCallsPerMinute: settings.MAX_API_CALLS_PER_MINUTE,
    maxCostPerSessionUsd: settings.MAX_COST_PER_SESSION_USD,
    maxTokensPerRequest: settings.MAX_TOKENS_PER_REQUEST,
  });
  if (compilation.ok) return compilation.policy;
  const mistakes = compilation.mistakes.map(({ line, message }) =>
    line === undefined ? message : `line ${line}: ${message}`,
  );
  throw new ConfigError(`profiles/${profile}.yaml: ${mistakes.join("; ")}`);
}

function readSource(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const cure = code === "EACCES" ? ": make it readable with 'chmod -R a+rX profiles'" : "";
    throw new ConfigError(`the profile ${path} cannot be read (${code})${cure}`);
  }
}
