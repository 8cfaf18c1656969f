import type { AuditBatch, AuditEvent } from "@claws/contracts";

export type BatchPlan =
  | {
      readonly ok: true;
      /** What the log does not have yet. */
      readonly fresh: readonly { readonly event: AuditEvent; readonly spoolSeq: number }[];
      /** Where the spool is when that is written. */
      readonly through: number;
      /** Events before this batch that this log never saw. */
      readonly missing: number;
    }
  /** A batch before this one is missing: number `expected` comes next. */
  | { readonly ok: false; readonly expected: number };

/**
 * What to write of a batch when the log has its spool up to `known`. A spool that the log does not know may
 * begin anywhere: what went before stands in a log that was put away, and the record says how much that is.
 */
export function planBatch({ first, events }: AuditBatch, known: number | undefined): BatchPlan {
  const before = known ?? first - 1;
  if (first > before + 1) return { ok: false, expected: before + 1 };
  const fresh = events
    .map((event, index) => ({ event, spoolSeq: first + index }))
    .filter(({ spoolSeq }) => spoolSeq > before);
  return { ok: true, fresh, through: before + fresh.length, missing: known === undefined ? before : 0 };
}
