import { type AuditEvent, AuditReceipt, type VerificationReport } from "@claws/contracts";
import type { Logger, ServiceClient } from "@claws/service-kit";
import type { Conclusion, VerifierOptions } from "./verifier.ts";

const SUBJECT = "verification";
const SHOWN = 10;

/** Writes what verification found to the audit, and says it in the log, where the operator looks first. */
export function createVerificationRecords(
  auditor: Pick<ServiceClient, "call">,
  logger: Logger,
): Pick<VerifierOptions, "onConclusion" | "onInconclusive"> {
  async function write(event: AuditEvent): Promise<void> {
    const answer = await auditor.call(AuditReceipt, { method: "POST", path: "/v1/records", body: event });
    if (!answer.ok)
      logger.error({ audit: event, code: answer.problem.code }, "not recorded: the auditor cannot be asked");
  }

  return {
    onConclusion({ report, state, isNews }) {
      const probes = report.probes.length;
      if (report.passed) logger.info({ probes }, "verified: there is no other way out");
      else logger.error(describe(report), "verification FAILED: see ./claws verify");
      // A failure is tried again every half minute: once in the records is enough.
      if (!report.passed && !isNews) return;
      for (const event of eventsOf({ report, state, isNews })) void write(event);
    },
    onInconclusive(report) {
      logger.info(describe(report), "verification decides nothing yet");
    },
  };
}

function eventsOf({ report, state }: Conclusion): AuditEvent[] {
  const outcome = report.passed ? "done" : "failed";
  const detail = {
    probes: report.probes.length,
    holes: state.holes,
    ...(report.failure === undefined ? {} : { failure: report.failure.slice(0, 300) }),
  };
  const verified: AuditEvent = { event: "stack.verified", outcome, subject: SUBJECT, detail };
  return report.passed
    ? [verified]
    : [
        verified,
        { event: "anomaly.detected", outcome: "failed", subject: SUBJECT, code: "stack_unverified", detail },
      ];
}

function describe({ probes, failure }: VerificationReport) {
  const failed = probes.filter(({ passed }) => !passed);
  const holes = failed.slice(0, SHOWN).map(({ from, id, happened }) => `${from} ${id}: ${happened}`);
  return { failure, failed: failed.length, holes };
}
