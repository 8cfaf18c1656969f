import { createByteCursor } from "./byte-cursor.ts";
import { type HelloReading, unreadableHello } from "./client-hello.ts";
import { readServerName } from "./read-server-name.ts";

/** Codes of extensions (RFC 6066, RFC 7301, RFC 9849). */
const SERVER_NAME = 0;
const ALPN = 16;
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;

/**
 * Parses the body of a ClientHello (RFC 8446 section 4.1.2; RFC 5246 section 7.4.1.2 has the same form),
 * without the four bytes of the handshake header. Every length must add up to the last byte: where two
 * parsers could disagree, the server might see another name than the one that was judged. Unknown versions,
 * cipher suites and extensions are left alone, since clients send made-up ones on purpose (RFC 8701).
 */
export function parseClientHello(body: Buffer): HelloReading {
  const fields = createByteCursor(body);
  const version = fields.uint(2);
  fields.take(32);
  const sessionId = fields.vector(1);
  const cipherSuites = fields.vector(2);
  const compressions = fields.vector(1);
  // Before TLS 1.3 a ClientHello may end here (RFC 5246 section 7.4.1.2).
  const extensions = fields.hasMore() ? fields.vector(2) : undefined;
  if (!fields.endedExactly()) return unreadableHello("its lengths do not add up");
  if (version < 0x0301 || version > 0x0303) return unreadableHello("its version is none of TLS 1.0 to 1.3");
  if (
    sessionId.length > 32 ||
    cipherSuites.length < 2 ||
    cipherSuites.length % 2 !== 0 ||
    compressions.length === 0
  ) {
    return unreadableHello("a length in it is not one that TLS allows");
  }
  return readExtensions(extensions);
}

function readExtensions(extensions: Buffer | undefined): HelloReading {
  const seen = new Set<number>();
  let serverName: string | undefined;
  let alpn: readonly string[] | undefined = [];
  const list = createByteCursor(extensions ?? Buffer.alloc(0));
  while (list.hasMore()) {
    const type = list.uint(2);
    const content = list.vector(2);
    // RFC 8446 section 4.2 forbids it, and of two names one server takes the first and another the last.
    if (seen.has(type)) return unreadableHello("it holds an extension twice");
    seen.add(type);
    if (type === SERVER_NAME) {
      const reading = readServerName(content);
      if (!reading.ok) return unreadableHello(reading.detail);
      serverName = reading.serverName;
    }
    if (type === ALPN) alpn = readProtocols(content);
    if (alpn === undefined) return unreadableHello("its list of protocols (ALPN) is malformed");
  }
  if (!list.endedExactly()) return unreadableHello("the lengths of its extensions do not add up");
  return { ok: true, hello: { serverName, hasEch: seen.has(ENCRYPTED_CLIENT_HELLO), alpn } };
}

function readProtocols(extension: Buffer): readonly string[] | undefined {
  const outer = createByteCursor(extension);
  const list = createByteCursor(outer.vector(2));
  const protocols: string[] = [];
  while (list.hasMore()) protocols.push(list.vector(1).toString("latin1"));
  const wellFormed = outer.endedExactly() && list.endedExactly();
  return wellFormed && protocols.length > 0 && !protocols.includes("") ? protocols : undefined;
}
