import type { VerificationReport } from "@claws/contracts";

/**
 * Whether a run says nothing of holes: it could not be made, or all that went wrong is that something did not
 * answer yet. Probes of what must answer have ids that end in `-answers`.
 */
export function isInconclusive({ passed, failure, probes }: VerificationReport): boolean {
  if (passed) return false;
  const failed = probes.filter((probe) => !probe.passed);
  return failed.every(({ id }) => id.endsWith("-answers")) && (failed.length > 0 || failure !== undefined);
}

/** Ids of the probes that failed, each once. */
export function holesOf({ probes }: VerificationReport): string[] {
  return [...new Set(probes.filter(({ passed }) => !passed).map(({ id }) => id))];
}
