import { sealRecord, writeLine } from "@claws/audit-log";
import type { AuditBatch, AuditEvent, AuditReceipt, AuditRecord, Sha256Hex } from "@claws/contracts";
import { planBatch } from "./plan-batch.ts";
import type { SpoolMemory } from "./spool-memory.ts";

/** Where the chain on disk ends. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: Sha256Hex;
  /** Length of the file up to there. */
  readonly offset: number;
}

/** What became of a batch: the log has its spool up to `through`, or misses number `expected` before it. */
export type BatchOutcome =
  | { readonly ok: true; readonly through: number }
  | { readonly ok: false; readonly expected: number };

/** Who sent something, and when it arrived. */
export interface Sender {
  readonly service: string;
  /** ISO 8601, UTC. */
  readonly time: string;
}

/** Records for one write: sealed, but not part of the chain before the disk has them. */
export interface RecordGroup {
  add(event: AuditEvent, sender: Sender): AuditReceipt;
  addBatch(batch: AuditBatch, sender: Sender): BatchOutcome;
  readonly records: readonly AuditRecord[];
  finish(): { readonly bytes: Buffer; readonly end: ChainEnd };
}

export function createRecordGroup(start: ChainEnd, spools: Pick<SpoolMemory, "through">): RecordGroup {
  const records: AuditRecord[] = [];
  const lines: string[] = [];
  /** Spools of this group, by service and name: the memory learns of them when the disk has them. */
  const reached = new Map<string, number>();
  let { seq, hash } = start;

  function add(
    event: AuditEvent,
    sender: Sender,
    place?: { readonly spool: string; readonly spoolSeq: number },
  ): AuditReceipt {
    const record = sealRecord(event, { ...sender, ...place, seq: seq + 1, previous: hash });
    lines.push(`${writeLine(record)}\n`);
    records.push(record);
    ({ seq, hash } = record);
    return { seq, hash };
  }

  return {
    records,
    add: (event, sender) => add(event, sender),
    addBatch(batch, sender) {
      const { spool } = batch;
      const { service, time } = sender;
      const key = `${service} ${spool}`;
      const plan = planBatch(batch, reached.get(key) ?? spools.through(service, spool));
      if (!plan.ok) return plan;
      if (plan.missing > 0) add(createGapEvent(service, spool, plan.missing), { service: "auditor", time });
      for (const { event, spoolSeq } of plan.fresh) add(event, sender, { spool, spoolSeq });
      reached.set(key, plan.through);
      return { ok: true, through: plan.through };
    },
    finish() {
      const bytes = Buffer.from(lines.join(""), "utf8");
      return { bytes, end: { seq, hash, offset: start.offset + bytes.length } };
    },
  };
}

/** This log begins in the middle of a spool. */
function createGapEvent(service: string, spool: string, missing: number): AuditEvent {
  return { event: "audit.gap", outcome: "failed", subject: spool, detail: { service, missing } };
}
