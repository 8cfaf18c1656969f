import type { Socket } from "node:net";
import type { EgressReason } from "@claws/contracts";
import type { EndConnection } from "./connections.ts";
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
export function relay({ client, upstream, quota, limits, onEnd }: RelayEnds): EndConnection {
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
    onEnd(reason);
  }
  couple(client, upstream, quota.up, end);
  couple(upstream, client, quota.down, end);
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
    verdict.then(
      (isAllowed) => {
        isWaiting = false;
        if (!isAllowed) return end("budget_exceeded");
        if (!to.destroyed && to.write(chunk)) from.resume();
        // The end was told while its last chunk was still waiting here.
        if (from.readableEnded) to.end();
      },
      () => end("dependency_down"),
    );
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
