import type { Socket } from "node:net";
import type { EgressReason } from "@claws/contracts";
import type { EndConnection } from "./connections.ts";
import type { DirectReader } from "./direct-reader.ts";
import type { ByteAllowance, ConnectionQuota } from "./quota/connection-quota.ts";

export interface RelayLimits {
  /** Silence in both directions that ends a connection. */
  readonly idleMs: number;
  /** The longest that a connection may last. */
  readonly totalMs: number;
}

export interface RelayEnds {
  readonly client: Socket;
  readonly upstream: Socket;
  /** How upstream is read, when it was made to be read directly. */
  readonly reader?: DirectReader | undefined;
  readonly quota: ConnectionQuota;
  readonly limits: RelayLimits;
  /** Called once, when both ends are closed; `reason` when we ended it. */
  readonly onEnd: (reason: EgressReason | undefined) => void;
}

/**
 * Carries bytes both ways until both sides have ended, and counts them against the caller's budget as they pass: what
 * goes over it is not written. Each side may end its half first (RFC 9110 section 9.3.6); an error of one ends the
 * other. Nothing is copied and nothing allocated per chunk. Returns what ends it.
 */
export function relay({ client, upstream, reader, quota, limits, onEnd }: RelayEnds): EndConnection {
  let reason: EgressReason | undefined;
  let open = 2;

  function end(because?: EgressReason): void {
    reason ??= because;
    client.destroy();
    upstream.destroy();
  }
  const total = setTimeout(() => end("total_time"), limits.totalMs);
  total.unref();

  function closed(): void {
    if (--open > 0) return;
    clearTimeout(total);
    reader?.release();
    onEnd(reason);
  }
  couple(client, upstream, quota.up, end);
  if (reader === undefined) couple(upstream, client, quota.down, end);
  else coupleDirectly(reader, upstream, client, quota.down, end);
  for (const socket of [client, upstream]) {
    // Both timers run on reads and writes, and every byte is a read here and a write there.
    socket.setTimeout(limits.idleMs, () => end("idle"));
    if (socket.destroyed) closed();
    else socket.once("close", closed);
  }
  return end;
}

function couple(
  from: Socket,
  to: Socket,
  allowance: ByteAllowance,
  end: (because: EgressReason) => void,
): void {
  let isWaiting = false;

  function forward(chunk: Buffer): void {
    const verdict = allowance.use(chunk.length);
    if (verdict === true) {
      if (!to.write(chunk)) from.pause();
      return;
    }
    isWaiting = true;
    from.pause();
    void wait(verdict, chunk);
  }

  async function wait(verdict: Promise<boolean>, chunk: Buffer): Promise<void> {
    try {
      if (!(await verdict)) return end("budget_exceeded");
    } catch {
      // The limiter's client has logged why.
      return end("dependency_down");
    }
    isWaiting = false;
    if (!to.destroyed && to.write(chunk)) from.resume();
    // The end was told while its last chunk was still waiting here.
    if (from.readableEnded) to.end();
  }
  from.on("data", forward);
  to.on("drain", () => {
    if (!isWaiting) from.resume();
  });
  from.once("end", () => {
    if (!isWaiting) to.end();
  });
  from.once("close", () => {
    if (from.errored !== null || !from.readableEnded) to.destroy();
  });
  if (from.destroyed) to.destroy();
  // It had nothing more to say before this began, and says so once only.
  else if (from.readableEnded) to.end();
  else from.resume();
}

/** The same for a socket that is read directly: its one buffer is read into again when all of it has been written. */
function coupleDirectly(
  reader: DirectReader,
  from: Socket,
  to: Socket,
  allowance: ByteAllowance,
  end: (because: EgressReason) => void,
): void {
  /** Writes that Node has not reported back, and whether reading waits for them. */
  let pending = 0;
  let isPaused = false;
  let hasEnded = false;

  function written(): void {
    pending--;
    if (pending > 0 || !isPaused) return;
    isPaused = false;
    if (hasEnded) to.end();
    else from.resume();
  }
  function send(bytes: Buffer): boolean {
    pending++;
    to.write(bytes, written);
    // What the kernel has taken at once is no longer in our buffer's keeping.
    isPaused = to.writableLength > 0;
    return !isPaused;
  }
  async function wait(verdict: Promise<boolean>, bytes: Buffer): Promise<void> {
    try {
      if (!(await verdict)) return end("budget_exceeded");
    } catch {
      // The limiter's client has logged why.
      return end("dependency_down");
    }
    if (to.destroyed || !send(bytes)) return;
    isPaused = false;
    if (hasEnded) to.end();
    else from.resume();
  }

  reader.sink = (bytes) => {
    const verdict = allowance.use(bytes.length);
    if (verdict === true) return send(bytes);
    isPaused = true;
    void wait(verdict, bytes);
    return false;
  };
  from.once("end", () => {
    hasEnded = true;
    if (!isPaused) to.end();
  });
  from.once("close", () => {
    if (from.errored !== null || !from.readableEnded) to.destroy();
  });
  if (from.destroyed) to.destroy();
  else if (from.readableEnded) to.end();
  else from.resume();
}
