import { type AuditEvent, AuditReceipt } from "@claws/contracts";
import { type Logger, ProblemError, type ServiceClient } from "@claws/service-kit";
import type { AuditTrail } from "./audited-step.ts";

/** Writes to the auditor; where the record cannot be written it throws, and the caller does not act. */
export function createAuditTrail(auditor: ServiceClient, logger: Logger): AuditTrail {
  const record = async (event: AuditEvent) => {
    const answer = await auditor.call(AuditReceipt, { method: "POST", path: "/v1/records", body: event });
    if (!answer.ok) throw new ProblemError(answer.problem);
  };
  return {
    record,
    async recordFailure(event, code) {
      try {
        await record({ ...event, outcome: "failed", code });
      } catch (error) {
        // The step itself was refused; what is missing is only the note that it was.
        logger.error({ err: error, event: event.event }, "could not record that a step was refused");
      }
    },
  };
}
