import { VerificationReport } from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import type { VerifierOptions } from "./verifier.ts";

/** Starting several probers on a busy machine, each of them with 15 s. */
const PATIENCE_MS = 60_000;

/** Has the launcher make a run; one that cannot be asked is a run that could not be made. */
export function createLauncherProbe(launcher: Pick<ServiceClient, "call">): VerifierOptions["probe"] {
  return async ({ decoyPort }, signal) => {
    const startedAt = new Date().toISOString();
    const answer = await launcher.call(VerificationReport, {
      method: "POST",
      path: "/v1/verifications",
      body: decoyPort === undefined ? {} : { decoyPort },
      timeoutMs: PATIENCE_MS,
      signal,
    });
    if (answer.ok) return answer.value;
    const finishedAt = new Date().toISOString();
    return { version: 1, startedAt, finishedAt, passed: false, probes: [], failure: answer.problem.detail };
  };
}
