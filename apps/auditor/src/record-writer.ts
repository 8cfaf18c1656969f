import { sealRecord, writeLine } from "@claws/audit-log";
import type { AuditEvent, AuditReceipt, Sha256Hex } from "@claws/contracts";
import type { LogFile } from "./log-file.ts";

/** Where the chain on disk ends. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: Sha256Hex;
  /** Length of the file up to there. */
  readonly offset: number;
}

export interface RecordWriter {
  /** Resolves when the record is on disk; rejects with `WriteRefused` when it is not there. */
  append(event: AuditEvent, service: string): Promise<AuditReceipt>;
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
  readonly event: AuditEvent;
  readonly service: string;
  readonly time: string;
  readonly resolve: (receipt: AuditReceipt) => void;
  readonly reject: (error: WriteRefused) => void;
}

export interface RecordWriterOptions {
  readonly file: Pick<LogFile, "append" | "size" | "truncate" | "close">;
  readonly end: ChainEnd;
  readonly now: () => Date;
}

/** More waiting than this means that the disk has stalled: callers are better off with a refusal. */
const MAX_WAITING = 4_096;

/**
 * The one writer of the chain, with group commit: what arrives while the disk is busy forms the next
 * batch, one write and one fdatasync. The chain in memory moves on only when the disk has it.
 */
export function createRecordWriter({ file, end, now }: RecordWriterOptions): RecordWriter {
  let chain = end;
  let waiting: Waiting[] = [];
  let working: Promise<void> | undefined;
  let writable = true;
  /** A write of ours failed: what stands behind the chain's end may be part of it. */
  let torn = false;
  let closed = false;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await commit(batch);
    }
    working = undefined;
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const sealed = sealBatch(batch, chain);
      await restoreEnd();
      torn = true;
      await file.append(sealed.bytes);
      torn = false;
      chain = sealed.end;
      writable = true;
      for (const { resolve, receipt } of sealed.answers) resolve(receipt);
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

  return {
    append(event, service) {
      const { promise, resolve, reject } = Promise.withResolvers<AuditReceipt>();
      if (closed) return Promise.reject(new WriteRefused("the auditor is stopping"));
      if (waiting.length >= MAX_WAITING) {
        return Promise.reject(new WriteRefused(`${MAX_WAITING} records are waiting for the disk`));
      }
      waiting.push({ event, service, time: now().toISOString(), resolve, reject });
      working ??= work();
      return promise;
    },
    isWritable: () => writable,
    async close() {
      closed = true;
      await working;
      await file.close();
    },
  };
}

function sealBatch(batch: readonly Waiting[], start: ChainEnd) {
  const lines: string[] = [];
  let { seq, hash } = start;
  const answers = batch.map(({ event, service, time, resolve }) => {
    const record = sealRecord(event, { seq: seq + 1, time, service, previous: hash });
    lines.push(`${writeLine(record)}\n`);
    ({ seq, hash } = record);
    return { resolve, receipt: { seq, hash } };
  });
  const bytes = Buffer.from(lines.join(""), "utf8");
  return { bytes, answers, end: { seq, hash, offset: start.offset + bytes.length } };
}
