import { statSync } from "node:fs";
import type { CompiledPolicy } from "@claws/contracts";
import { type Logger, readPolicyFile } from "@claws/service-kit";

/** The policy as it is at this moment. */
export interface LivePolicy {
  current(): CompiledPolicy;
  close(): void;
}

export interface LivePolicyParts {
  readonly policyFile: string;
  readonly logger: Logger;
  readonly pollMs?: number;
}

/**
 * Reads the compiled policy, and again whenever the file changes. One that cannot be read or is no policy is reported,
 * and the last good one stays.
 *
 * The file is looked at and not watched: on a volume the change comes from another container, which not every engine tells.
 */
export function createLivePolicy({ policyFile, logger, pollMs = 1_000 }: LivePolicyParts): LivePolicy {
  let stamp = stampOf(policyFile);
  let policy = readPolicyFile(policyFile);

  function look(): void {
    const now = stampOf(policyFile);
    if (now === stamp) return;
    stamp = now;
    try {
      policy = readPolicyFile(policyFile);
      logger.info({ policy: policy.hash, profile: policy.profile }, "policy read again");
    } catch (error) {
      logger.error({ err: error }, "the changed policy cannot be used: the last good one stays");
    }
  }
  const timer = setInterval(look, pollMs);
  timer.unref();

  return { current: () => policy, close: () => clearInterval(timer) };
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "none" : `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
}
