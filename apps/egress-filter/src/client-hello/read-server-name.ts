import { createByteCursor } from "./byte-cursor.ts";

export type ServerNameReading =
  | { readonly ok: true; readonly serverName: string }
  | { readonly ok: false; readonly detail: string };

const HOST_NAME = 0;
/** What a rule and a CONNECT target may name too, underscores included. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_NAME_LENGTH = 253;
/** The last label of what `inet_aton` or the WHATWG parser would take for an IPv4 address. */
const NUMBER = /^(?:\d+|0x[0-9a-f]*)$/;

/**
 * Reads the content of a server_name extension (RFC 6066 section 3). The list could hold several names and
 * several kinds of them, and then it would be the server's choice which one counts: it has one, or is refused.
 */
export function readServerName(extension: Buffer): ServerNameReading {
  const outer = createByteCursor(extension);
  const list = createByteCursor(outer.vector(2));
  const kind = list.uint(1);
  const bytes = list.vector(2);
  if (!outer.endedExactly() || !list.endedExactly() || kind !== HOST_NAME) {
    return unreadable("server_name holds exactly one entry, a host_name");
  }
  // Not Buffer's "ascii", which drops the eighth bit and so makes a plain name of one that is none.
  const name = bytes.toString("latin1");
  if (name.length > MAX_NAME_LENGTH) return unreadable(`a host has at most ${MAX_NAME_LENGTH} characters`);
  if (name.endsWith(".")) return unreadable("server_name is written without a trailing dot");
  // One character is one byte here, so nothing outside a-z becomes a letter of a-z.
  const serverName = name.toLowerCase();
  const labels = serverName.split(".");
  if (!labels.every((label) => LABEL.test(label))) {
    return unreadable("every label of the server's name is 1-63 of a-z, 0-9, '-' and '_'");
  }
  if (NUMBER.test(labels.at(-1) ?? "")) return unreadable("an address is no server_name: leave it out");
  return { ok: true, serverName };
}

function unreadable(detail: string): ServerNameReading {
  return { ok: false, detail };
}
