import { readFileSync } from "node:fs";
import { CompiledPolicy } from "@claws/contracts";
import { ConfigError } from "./config.ts";

/** Reads the policy that the policy container compiled. A service without a policy does not start. */
export function readPolicyFile(path: string): CompiledPolicy {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ConfigError(
      `no compiled policy at ${path} (${(error as Error).message}): see the log of the policy container`,
    );
  }
  const parsed = CompiledPolicy.safeParse(document);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConfigError(
      `the compiled policy at ${path} is not one: ${issue?.path.join(".")}: ${issue?.message}`,
    );
  }
  return parsed.data;
}
