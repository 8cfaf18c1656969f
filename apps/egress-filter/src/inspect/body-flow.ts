import type { Readable, Writable } from "node:stream";
import type { ByteAllowance } from "../quota/connection-quota.ts";
import type { BodyGate } from "./body-gate.ts";

/** Ends a body for a reason of ours. */
export class BodyCut extends Error {
  override readonly name = "BodyCut";
  readonly reason: "budget_exceeded" | "timeout";

  constructor(reason: "budget_exceeded" | "timeout") {
    super(reason);
    this.reason = reason;
  }
}

/** A body that is under way must bring this much in each period; the client of a slow network still does. */
export const PERIOD_MS = 10_000;
const MIN_BYTES = 256;

export interface BodyOptions {
  readonly allowance: ByteAllowance;
  /** Undefined when there is nothing to look for. */
  readonly gate: BodyGate | undefined;
  /** How long the sender has for each 256 bytes; undefined for streams that wait for answers. */
  readonly periodMs?: number | undefined;
  /** Whether the sender said that this is all: a stream of HTTP/2 that breaks off ends like one that is complete. */
  readonly isWhole: () => boolean;
}

/**
 * The chunks of a body that may be sent on. Throws BodyBlocked, BodyCut, or the source's own error. The source is
 * not destroyed: an IncomingMessage would take its socket with it, and the answer that says why would not arrive.
 */
export async function* readBody(
  source: Readable,
  { allowance, gate, periodMs, isWhole }: BodyOptions,
): AsyncGenerator<Buffer, void, void> {
  const chunks = source.iterator({ destroyOnReturn: false });
  const pace = new Pace(periodMs);
  try {
    for (let next = await pace.wait(chunks.next()); !next.done; next = await pace.wait(chunks.next())) {
      const chunk = next.value as Buffer;
      pace.count(chunk.length);
      const verdict = allowance.use(chunk.length);
      if (verdict !== true && !(await verdict)) throw new BodyCut("budget_exceeded");
      if (gate) yield* await gate.take(chunk);
      else yield chunk;
    }
    if (!isWhole()) throw new Error("the body was cut off");
    if (gate) yield* await gate.finish();
  } finally {
    gate?.destroy();
    if (!pace.isOver) await chunks.return?.();
    // What nobody wants any more is read and dropped.
    source.resume();
  }
}

/** Measures how long the sender keeps us waiting; our own waiting for the other side does not count. */
class Pace {
  readonly #periodMs: number | undefined;
  #waitedMs = 0;
  #bytes = 0;
  /** Whether the sender was too slow, and its next chunk is still awaited. */
  isOver = false;

  constructor(periodMs: number | undefined) {
    this.#periodMs = periodMs;
  }

  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < MIN_BYTES) return;
    this.#bytes = 0;
    this.#waitedMs = 0;
  }

  async wait<Value>(next: Promise<Value>): Promise<Value> {
    if (this.#periodMs === undefined) return next;
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const startedAt = performance.now();
    const timer = setTimeout(() => {
      this.isOver = true;
      reject(new BodyCut("timeout"));
    }, this.#periodMs - this.#waitedMs);
    try {
      return await Promise.race([next, timeout]);
    } finally {
      clearTimeout(timer);
      this.#waitedMs = Math.min(this.#periodMs, this.#waitedMs + performance.now() - startedAt);
      if (this.isOver) next.catch(() => undefined);
    }
  }
}

/** Writes, and waits while the other side takes no more; false when it takes nothing ever again. */
export async function writeTo(sink: Writable, chunk: Buffer): Promise<boolean> {
  if (sink.destroyed || sink.writableEnded) return false;
  if (sink.write(chunk)) return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const onDrain = () => resolve(true);
  const onClose = () => resolve(false);
  sink.once("drain", onDrain).once("close", onClose);
  const isOpen = await promise;
  sink.off("drain", onDrain).off("close", onClose);
  return isOpen;
}
