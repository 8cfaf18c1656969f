import type { AuditRecord } from "@claws/contracts";

/** What OCSF's base event and its `security_control` profile say of an outcome. */
export interface OcsfOutcome {
  /** 1 informational, 2 low, 3 medium. */
  readonly severity_id: number;
  /** 1 success, 2 failure, 99 other, named in `status`. */
  readonly status_id: number;
  readonly status?: string;
  /** 1 allowed, 2 denied, 3 observed, 99 other, named in `action`. */
  readonly action_id: number;
  readonly action?: string;
  /** 1 allowed, 2 blocked, 14 delayed, 17 logged, 27 error. */
  readonly disposition_id: number;
}

export const OUTCOMES: Readonly<Record<AuditRecord["outcome"], OcsfOutcome>> = {
  allow: { severity_id: 1, status_id: 1, action_id: 1, disposition_id: 1 },
  deny: { severity_id: 3, status_id: 2, action_id: 2, disposition_id: 2 },
  // Waits for a person: neither allowed nor denied yet.
  hold: {
    severity_id: 2,
    status_id: 99,
    status: "Held",
    action_id: 99,
    action: "Held",
    disposition_id: 14,
  },
  // What was decided before has ended: nothing is decided here.
  done: { severity_id: 1, status_id: 1, action_id: 3, disposition_id: 17 },
  failed: { severity_id: 2, status_id: 2, action_id: 3, disposition_id: 27 },
};
