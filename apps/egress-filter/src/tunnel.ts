import type { Socket } from "node:net";

/**
 * Carries bytes both ways until both sides have ended. Each side may end its half first (RFC 9110 section
 * 9.3.6); an error of one, or silence of both for `idleMs`, ends the other.
 */
export function relayTunnel(client: Socket, upstream: Socket, head: Buffer, idleMs: number): void {
  if (client.destroyed || upstream.destroyed) {
    client.destroy();
    upstream.destroy();
    return;
  }
  client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  if (head.length > 0) upstream.write(head);
  couple(client, upstream, idleMs);
  couple(upstream, client, idleMs);
}

function couple(from: Socket, to: Socket, idleMs: number): void {
  from.pipe(to);
  // Both timers run on reads and writes, and every byte is a read here and a write there.
  from.setTimeout(idleMs, () => from.destroy());
  from.once("close", () => {
    if (from.errored !== null || !from.readableEnded) to.destroy();
  });
}
