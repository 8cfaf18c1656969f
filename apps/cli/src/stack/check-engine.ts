import { readFileSync } from "node:fs";
import * as z from "zod";
import { ClawsError } from "../claws-error.ts";
import { runProgram } from "../run-program.ts";
import { type EngineFacts, judgeEngine } from "./engine-judgement.ts";
import { readMergedConfig } from "./merged-config.ts";
import { namesLoopback } from "./resolv-conf.ts";
import type { ProfileName, Stack } from "./stack.ts";

const Server = z.object({ Version: z.string(), Os: z.string().optional() });

/** Refuses an engine that would let an agent out, for the profiles that promise to keep it in. */
export async function checkEngine(
  stack: Stack,
  profile: ProfileName,
  say: (line: string) => void,
): Promise<void> {
  if (profile === "basic") return;
  const judgement = judgeEngine(await readEngineFacts(stack, profile));
  if (judgement.verdict === "refuse") {
    const { code, reason, cure } = judgement;
    throw new ClawsError(`profile ${profile} does not start here: ${reason}: ${cure} (${code})`);
  }
  if (judgement.verdict === "warn")
    for (const { reason, cure } of judgement.warnings) say(`careful: ${reason}: ${cure}`);
}

async function readEngineFacts(stack: Stack, profile: ProfileName): Promise<EngineFacts> {
  const [version, config] = await Promise.all([
    runProgram("docker", ["version", "--format", "{{json .Server}}"]),
    stack.compose(["--profile", profile, "config", "--format", "json"]),
  ]);
  const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? "";
  if (version.code !== 0)
    throw new ClawsError(`the Docker engine does not say its version: ${lastLine(version.stderr)}`);
  if (config.code !== 0)
    throw new ClawsError(`the Compose files cannot be merged: ${lastLine(config.stderr)}`);
  const server = Server.parse(JSON.parse(version.stdout));
  const merged = readMergedConfig(config.stdout);
  if (merged.services.length === 0) throw new ClawsError("the merged Compose files have no service agent");
  return {
    version: server.Version,
    osType: server.Os,
    resolverIsLoopback: readResolver(),
    ...merged,
  };
}

/** Where nothing can be read, for instance because the engine is in a virtual machine, the worse is assumed. */
function readResolver(): boolean {
  try {
    return namesLoopback(readFileSync("/etc/resolv.conf", "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
}
