import type { AuditEvent } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";

/** Where every step is written before it is taken. */
export interface AuditTrail {
  /** Throws when the record cannot be written: then the step is not taken. */
  record(event: AuditEvent): Promise<void>;
  /** Notes that a recorded step was refused after all; never throws. */
  recordFailure(event: AuditEvent, code: string): Promise<void>;
}

/** Writes the record, then takes the step; a step that is refused after all gets a second record. */
export type AuditedStep = <Result>(event: AuditEvent, act: () => Promise<Result>) => Promise<Result>;

/** `changed` is called after every step that may have changed something. */
export function createAuditedStep(audit: AuditTrail, changed: () => void): AuditedStep {
  return async function auditThen(event, act) {
    await audit.record(event);
    try {
      return await act();
    } catch (error) {
      await audit.recordFailure(event, error instanceof ProblemError ? error.problem.code : "internal");
      throw error;
    } finally {
      changed();
    }
  };
}
