import type { Socket } from "node:net";

/**
 * Carries bytes both ways until both sides have ended; each may end its half first. A connection that
 * breaks breaks the other, so that neither side takes a part for the whole.
 */
export function relay(client: Socket, upstream: Socket): void {
  couple(client, upstream);
  couple(upstream, client);
}

function couple(from: Socket, to: Socket): void {
  from.pipe(to);
  from.once("close", () => {
    if (from.errored !== null || !from.readableEnded) to.resetAndDestroy();
  });
  if (from.destroyed) to.destroy();
}
