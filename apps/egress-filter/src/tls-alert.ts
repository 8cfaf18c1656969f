import type { Socket } from "node:net";

/** A fatal TLS alert `access_denied` (RFC 8446 section 6.2) in a record of its own, before any handshake. */
const ACCESS_DENIED = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x31]);

/** Ends a tunnel in the language that the client speaks in it, so that its error says "access denied". */
export function endWithAlert(client: Socket): void {
  if (!client.writable) return void client.destroy();
  client.resume();
  client.end(ACCESS_DENIED, () => client.destroy());
}
