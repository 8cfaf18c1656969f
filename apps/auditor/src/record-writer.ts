import type { AuditBatch, AuditEvent, AuditReceipt } from "@claws/contracts";
import type { LogFile } from "./log-file.ts";
import { type BatchOutcome, type ChainEnd, createRecordGroup, type RecordGroup } from "./record-group.ts";
import { createSpoolMemory, type SpoolMemory } from "./spool-memory.ts";

export interface RecordWriter {
  /** Resolves when the record is on disk; rejects with `WriteRefused` when it is not there. */
  append(event: AuditEvent, service: string): Promise<AuditReceipt>;
  /** The same for what the log does not have yet of a batch: each number of a spool is written once. */
  appendBatch(batch: AuditBatch, service: string): Promise<BatchOutcome>;
  /** Whether the last attempt to write succeeded. */
  isWritable(): boolean;
  /** Ends what is under way, then closes the file. */
  close(): Promise<void>;
}

/** The record is not in the log. The cause is for the auditor's own log. */
export class WriteRefused extends Error {
  override readonly name = "WriteRefused";
}

interface Waiting {
  /** Adds its records to the group; what it returns is called when the disk has them. */
  readonly join: (group: RecordGroup) => () => void;
  readonly reject: (error: WriteRefused) => void;
}

export interface RecordWriterOptions {
  readonly file: Pick<LogFile, "append" | "size" | "truncate" | "close">;
  readonly end: ChainEnd;
  /** What the log up to `end` says of spools. */
  readonly spools?: SpoolMemory;
  readonly now: () => Date;
}

/** More records waiting than this means that the disk has stalled: callers are better off with a refusal. */
const MAX_WAITING = 4_096;

/**
 * The one writer of the chain, with group commit: what arrives while the disk is busy forms the next
 * batch, one write and one fdatasync. The chain in memory moves on only when the disk has it.
 */
export function createRecordWriter({
  file,
  end,
  spools = createSpoolMemory(),
  now,
}: RecordWriterOptions): RecordWriter {
  let chain = end;
  let waiting: Waiting[] = [];
  let waitingRecords = 0;
  let working: Promise<void> | undefined;
  let writable = true;
  /** A write of ours failed: what stands behind the chain's end may be part of it. */
  let torn = false;
  let closed = false;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      waitingRecords = 0;
      await commit(batch);
    }
    working = undefined;
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const group = createRecordGroup(chain, spools);
      const answers = batch.map(({ join }) => join(group));
      const sealed = group.finish();
      await restoreEnd();
      if (sealed.bytes.length > 0) {
        torn = true;
        await file.append(sealed.bytes);
        torn = false;
      }
      chain = sealed.end;
      for (const record of group.records) spools.note(record);
      writable = true;
      for (const answer of answers) answer();
    } catch (error) {
      writable = false;
      const cause = torn ? await cutOff(error) : error;
      for (const { reject } of batch) reject(new WriteRefused("the record is not on disk", { cause }));
    }
  }

  /** At once, so that whoever reads the log sees whole lines; if it fails, the next batch must do it. */
  async function cutOff(error: unknown): Promise<unknown> {
    return restoreEnd().then(
      () => error,
      (second: unknown) => new AggregateError([error, second], "half a record may be left in the log"),
    );
  }

  /**
   * Cuts off what a failed write left behind. Bytes that are missing or that another process added are
   * not ours to touch: no record follows them, until a restart has verified the log.
   */
  async function restoreEnd(): Promise<void> {
    const size = await file.size();
    if (size === chain.offset && !torn) return;
    if (size < chain.offset || !torn) {
      throw new Error(
        `the log has ${size} bytes where this writer left ${chain.offset}: somebody changed it`,
      );
    }
    await file.truncate(chain.offset);
  }

  /** What `join` returns of the group is the answer when the disk has it. */
  function enqueue<Answer>(records: number, join: (group: RecordGroup) => Answer): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (closed) return Promise.reject(new WriteRefused("the auditor is stopping"));
    if (waitingRecords + records > MAX_WAITING) {
      return Promise.reject(new WriteRefused(`${waitingRecords} records are waiting for the disk`));
    }
    waitingRecords += records;
    const joinLater = (group: RecordGroup) => {
      const answer = join(group);
      return () => resolve(answer);
    };
    waiting.push({ join: joinLater, reject });
    working ??= work();
    return promise;
  }

  return {
    append(event, service) {
      const time = now().toISOString();
      return enqueue(1, (group) => group.add(event, { service, time }));
    },
    appendBatch(batch, service) {
      const time = now().toISOString();
      return enqueue(batch.events.length, (group) => group.addBatch(batch, { service, time }));
    },
    isWritable: () => writable,
    async close() {
      closed = true;
      await working;
      await file.close();
    },
  };
}
