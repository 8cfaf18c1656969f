import type { AuditBatch, AuditEvent } from "@claws/contracts";

/** An event that is in a spool file and not yet known to be at the auditor. */
export interface SpooledEvent {
  readonly spool: string;
  readonly number: number;
  readonly event: AuditEvent;
  /** Length of its line. */
  readonly bytes: number;
  /** Since when this process waits for it to be shipped, in milliseconds. */
  readonly since: number;
}

export interface Backlog {
  add(event: SpooledEvent): void;
  /** From the oldest on, as many of one spool as a request takes; undefined when nothing waits. */
  nextBatch(): AuditBatch | undefined;
  /** Forgets the oldest events, those of `spool` up to number `through`; says how many that were. */
  settle(spool: string, through: number): number;
  readonly size: number;
  readonly bytes: number;
  /** Events that were ever added. */
  readonly added: number;
  oldest(): SpooledEvent | undefined;
}

const MAX_BATCH_EVENTS = 500;
/** The auditor takes 1 MiB: what is around the events has room in the rest. */
const MAX_BATCH_BYTES = 1_000_000;

export function createBacklog(): Backlog {
  const waiting: SpooledEvent[] = [];
  let bytes = 0;
  let added = 0;
  return {
    add(event) {
      waiting.push(event);
      bytes += event.bytes;
      added += 1;
    },
    nextBatch() {
      const [head] = waiting;
      if (head === undefined) return undefined;
      const events: AuditEvent[] = [];
      let size = 0;
      for (const item of waiting) {
        size += item.bytes;
        if (item.spool !== head.spool || events.length === MAX_BATCH_EVENTS || size > MAX_BATCH_BYTES) break;
        events.push(item.event);
      }
      return { spool: head.spool, first: head.number, events };
    },
    settle(spool, through) {
      let count = 0;
      for (const item of waiting) {
        if (item.spool !== spool || item.number > through) break;
        bytes -= item.bytes;
        count += 1;
      }
      waiting.splice(0, count);
      return count;
    },
    get size() {
      return waiting.length;
    },
    get bytes() {
      return bytes;
    },
    get added() {
      return added;
    },
    oldest: () => waiting[0],
  };
}
