import type { IncomingHttpHeaders } from "node:http";

/** RFC 9110 section 7.6.1, and what clients say to a proxy in particular. */
const HOP_BY_HOP = ["connection", "keep-alive", "te", "trailer", "upgrade", "http2-settings"];

/**
 * Takes out of a message what was meant for this hop only: the fields above, whatever `Connection` names,
 * and every `Proxy-*`, credentials included. Framing stays: Node's writer owns it.
 */
export function stripHopByHop(headers: IncomingHttpHeaders): void {
  const named = namedIn(headers.connection ?? "");
  for (const name of Object.keys(headers)) if (isHopByHop(name, named)) delete headers[name];
}

/** The same for a raw list, in its order and with its repetitions; framing goes too, since the writer sets its own. */
export function endToEndHeaders(raw: readonly string[]): string[] {
  const connection: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() === "connection") connection.push(raw[index + 1] ?? "");
  }
  const named = namedIn(connection.join(","));
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const lower = name.toLowerCase();
    if (lower !== "transfer-encoding" && !isHopByHop(lower, named)) kept.push(name, raw[index + 1] ?? "");
  }
  return kept;
}

function namedIn(connection: string): string[] {
  return connection.split(",").map((name) => name.trim().toLowerCase());
}

function isHopByHop(name: string, named: readonly string[]): boolean {
  return HOP_BY_HOP.includes(name) || named.includes(name) || name.startsWith("proxy-");
}
