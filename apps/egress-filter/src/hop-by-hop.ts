import type { IncomingHttpHeaders } from "node:http";

/** RFC 9110 section 7.6.1, and what clients say to a proxy in particular. */
const HOP_BY_HOP = ["connection", "keep-alive", "te", "trailer", "upgrade", "http2-settings"];

/**
 * Takes out of a message what was meant for this hop only: the fields above, whatever `Connection` names,
 * and every `Proxy-*`, credentials included. Framing stays: Node's writer owns it.
 */
export function stripHopByHop(headers: IncomingHttpHeaders): void {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  for (const name of Object.keys(headers)) {
    if (HOP_BY_HOP.includes(name) || named.includes(name) || name.startsWith("proxy-")) delete headers[name];
  }
}
