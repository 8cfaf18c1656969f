import { existsSync, readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import type { CompiledPolicy } from "@claws/contracts";
import { compileProfile } from "@claws/policy";
import { ClawsError } from "../claws-error.ts";
import { PROFILES, type ProfileName, type Stack } from "./stack.ts";

const NEEDED_BYTES = 1_500_000_000;

/** Refuses a second profile and an unknown one, before anything is touched. */
export function readProfileName(names: readonly string[]): ProfileName {
  const known = PROFILES.join(", ");
  if (names.length > 1)
    throw new ClawsError(`one profile at a time, not ${names.join(" and ")}: choose one of ${known}`);
  const [name = "filtered"] = names;
  const profile = PROFILES.find((candidate) => candidate === name);
  if (profile === undefined) throw new ClawsError(`there is no profile ${name}: choose one of ${known}`);
  return profile;
}

/** Compiles the profile as the policy container will, so that a mistake is one line here. Returns the policy. */
export function checkProfile(stack: Stack, profile: ProfileName): CompiledPolicy {
  const { settings } = stack;
  const directory = settings["CLAWS_PROFILES"] || "profiles";
  const file = join(directory, `${profile}.yaml`);
  const path = resolve(stack.root, file);
  if (!existsSync(path))
    throw new ClawsError(`there is no ${file}: CLAWS_PROFILES must name a folder with a file per profile`);
  const set = (name: string) => (settings[name] === "" ? undefined : settings[name]);
  const compilation = compileProfile(profile, readFileSync(path, "utf8"), {
    allowedTools: profile === "airgap" ? undefined : set(`ALLOWED_TOOLS_${profile.toUpperCase()}`),
    blockedTools: set("BLOCKED_TOOLS"),
    maxApiCallsPerMinute: set("MAX_API_CALLS_PER_MINUTE"),
    maxCostPerSessionUsd: set("MAX_COST_PER_SESSION_USD"),
    maxTokensPerRequest: set("MAX_TOKENS_PER_REQUEST"),
  });
  if (compilation.ok) return compilation.policy;
  const mistakes = compilation.mistakes.map(({ line, message }) =>
    line === undefined ? `.env: ${message}` : `${file}, line ${line}: ${message}`,
  );
  throw new ClawsError(mistakes.join("; "));
}

/** The agent and the MCP servers never run as root, whatever the settings say. */
export function checkUser({ settings }: Pick<Stack, "settings">): void {
  for (const variable of ["CLAWS_UID", "CLAWS_GID"]) {
    const value = settings[variable] ?? "";
    if (!/^[1-9]\d{0,9}$/.test(value)) {
      throw new ClawsError(
        `${variable}=${value} is not a user that the agent may run as: leave it out, or name one above 0`,
      );
    }
  }
}

/** Ports that something else holds, asked by binding them. Port 0 means that any will do. */
export async function checkPorts(ports: Readonly<Record<string, number>>): Promise<void> {
  for (const [variable, port] of Object.entries(ports)) {
    if (port === 0 || (await isFree(port))) continue;
    throw new ClawsError(
      `port ${port} on 127.0.0.1 is taken by another program: stop it, or choose another one with ${variable}=… in .env`,
    );
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // A port below 1024 may be the engine's to bind though it is not ours.
  server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "EADDRINUSE"));
  server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  return promise;
}

/** A first build needs room; running out in the middle leaves a mess that is hard to read. */
export function checkDisk(path: string, neededBytes = NEEDED_BYTES): void {
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  if (free >= neededBytes) return;
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  throw new ClawsError(
    `the disk of ${path} is full: ${gigabytes(free)} GB free, ${gigabytes(neededBytes)} GB needed. Free some space ('docker system prune' removes unused images)`,
  );
}
