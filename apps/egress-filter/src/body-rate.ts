import type { IncomingMessage } from "node:http";

/** A body that is under way must bring this much in each period; the client of a slow network still does. */
const PERIOD_MS = 10_000;
const MIN_BYTES = 256;

/**
 * Calls `onSlow` once when a body stalls. What waits on our side, because the destination takes no more, does not count:
 * then the socket is paused.
 */
export function guardBodyRate(request: IncomingMessage, onSlow: () => void, periodMs = PERIOD_MS): void {
  if (request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined)
    return;
  let seen = request.socket.bytesRead;
  const timer = setInterval(() => {
    if (request.complete || request.destroyed) return clearInterval(timer);
    const arrived = request.socket.bytesRead - seen;
    seen = request.socket.bytesRead;
    if (arrived >= MIN_BYTES || request.isPaused() || request.readableLength > 0) return;
    clearInterval(timer);
    onSlow();
  }, periodMs);
  timer.unref();
  request.once("close", () => clearInterval(timer));
}
