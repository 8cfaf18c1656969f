/** How a server's first record begins: a plain answer, a request for another ClientHello, or in pieces too small to tell. */
export type ServerStart = "incomplete" | "other" | "retry" | "fragmented";

/** The random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3). */
const RETRY_RANDOM = Buffer.from("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c", "hex");
const HANDSHAKE = 0x16;
const SERVER_HELLO = 0x02;
const RECORD_HEADER = 5;
const RANDOM_OFFSET = RECORD_HEADER + 4 + 2;
const NEEDED = RANDOM_OFFSET + RETRY_RANDOM.length;

/**
 * Reads the first bytes of a TLS server. After a HelloRetryRequest the client sends a second ClientHello, and a server
 * takes the name in that one: a tunnel whose first hello alone was judged would let any name through in the second.
 * No server sends its ServerHello in records of a few bytes; where one does, it is not read, and not passed either.
 */
export function readServerStart(bytes: Buffer): ServerStart {
  const [type] = bytes;
  if (type === undefined) return "incomplete";
  if (type !== HANDSHAKE) return "other";
  if (bytes.length < RECORD_HEADER) return "incomplete";
  if (bytes.readUInt16BE(3) < NEEDED - RECORD_HEADER) return "fragmented";
  if (bytes.length > RECORD_HEADER && bytes[RECORD_HEADER] !== SERVER_HELLO) return "other";
  if (bytes.length < NEEDED) return "incomplete";
  return bytes.subarray(RANDOM_OFFSET, NEEDED).equals(RETRY_RANDOM) ? "retry" : "other";
}

/** A middlebox-compatibility record (RFC 8446 section D.4): a client may send one before its second ClientHello. */
const CHANGE_CIPHER_SPEC = Buffer.from([0x14, 0x03, 0x03, 0x00, 0x01, 0x01]);

/** How many bytes at the start are that record; undefined while that cannot be told yet. */
export function lengthOfChangeCipherSpec(bytes: Buffer): number | undefined {
  const common = Math.min(bytes.length, CHANGE_CIPHER_SPEC.length);
  if (!bytes.subarray(0, common).equals(CHANGE_CIPHER_SPEC.subarray(0, common))) return 0;
  return bytes.length < CHANGE_CIPHER_SPEC.length ? undefined : CHANGE_CIPHER_SPEC.length;
}
