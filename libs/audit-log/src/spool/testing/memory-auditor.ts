import type { AuditBatch, AuditEvent } from "@claws/contracts";
import type { ShipResult } from "../ship.ts";

/** Takes batches as the auditor does: each number of a spool once, no gaps in a spool that it knows. */
export interface MemoryAuditor {
  readonly take: (batch: AuditBatch) => ShipResult;
  readonly events: readonly AuditEvent[];
  readonly batches: readonly AuditBatch[];
}

export function createMemoryAuditor(): MemoryAuditor {
  const reached = new Map<string, number>();
  const events: AuditEvent[] = [];
  const batches: AuditBatch[] = [];
  return {
    events,
    batches,
    take(batch) {
      batches.push(batch);
      const before = reached.get(batch.spool) ?? batch.first - 1;
      if (batch.first > before + 1) return { ok: false, reason: `gap: ${before + 1} comes next` };
      const fresh = batch.events.slice(before + 1 - batch.first);
      events.push(...fresh);
      reached.set(batch.spool, before + fresh.length);
      return { ok: true, through: before + fresh.length };
    },
  };
}
