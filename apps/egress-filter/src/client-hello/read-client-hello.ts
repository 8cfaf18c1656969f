import { type HelloReading, unreadableHello } from "./client-hello.ts";
import { parseClientHello } from "./parse-client-hello.ts";

export interface HelloReader {
  /** Takes the next bytes of the tunnel: undefined while more are needed, and the first reading is the last. */
  push(chunk: Buffer): HelloReading | undefined;
  /**
   * The first `MAX_HELLO_BYTES` of what was pushed, those after the hello included. Valid until the next
   * push; who pushes more than that at once keeps the rest.
   */
  bytes(): Buffer;
}

/** Bytes of the tunnel, record headers included, within which the hello must end. */
export const MAX_HELLO_BYTES = 16 * 1024;

const FIRST_CAPACITY = 2 * 1024;
const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;

/**
 * Reads the first bytes of a tunnel as TLS records (RFC 8446 section 5.1) that carry one ClientHello, in
 * whatever pieces they come. It decides at the first byte that decides, whether that byte came alone or
 * with others, so cutting the stream differently changes nothing. It never throws.
 */
export function createHelloReader(): HelloReader {
  let raw: Buffer = Buffer.alloc(0);
  let length = 0;
  let reading: HelloReading | undefined;
  /** How far `raw` was looked at, and the record that this is in. */
  let at = 0;
  let recordStart = 0;
  let recordEnd = 0;
  /** Bytes of the handshake message so far, its header included, and how many its header declares. */
  let seen = 0;
  let declared = 0;

  function keep(chunk: Buffer): void {
    const taken = chunk.subarray(0, MAX_HELLO_BYTES - length);
    if (length === 0) {
      // Most hellos come in one piece, and that needs no copy. It has no room left, so it is never written to.
      raw = taken;
    } else {
      if (length + taken.length > raw.length) {
        const larger = Buffer.allocUnsafe(capacityFor(length + taken.length));
        raw.copy(larger, 0, 0, length);
        raw = larger;
      }
      taken.copy(raw, length);
    }
    length += taken.length;
  }

  function scan(): HelloReading | undefined {
    while (at < length) {
      const refused = at - recordStart < RECORD_HEADER ? scanRecordHeader() : scanFragment();
      if (refused) return refused;
      if (isWhole()) return parseClientHello(assembleMessage(raw, at).subarray(MESSAGE_HEADER));
      if (at === recordEnd) recordStart = at;
    }
    return length < MAX_HELLO_BYTES ? undefined : tooLarge();
  }

  /** One byte at a time: what is not TLS shall be refused by its first byte, for it may be all that comes. */
  function scanRecordHeader(): HelloReading | undefined {
    const place = at - recordStart;
    const byte = raw[at++];
    if (place === 0 && byte !== HANDSHAKE) return notTls();
    if (place === 1 && byte !== 3) return notTls();
    if (place === 2 && (byte === undefined || byte < 1 || byte > 3)) return notTls();
    if (place < RECORD_HEADER - 1) return undefined;
    const size = raw.readUInt16BE(at - 2);
    // Forbidden for handshake messages, and a way to make a reader wait for ever.
    if (size === 0) return unreadableHello("it comes in an empty record");
    recordEnd = at + size;
    return checkSizes();
  }

  function scanFragment(): HelloReading | undefined {
    if (seen >= MESSAGE_HEADER) {
      const taken = Math.min(length, recordEnd) - at;
      seen += taken;
      at += taken;
      return undefined;
    }
    const byte = raw[at++] ?? 0;
    if (seen === 0 && byte !== CLIENT_HELLO) return notTls();
    if (seen > 0) declared = declared * 256 + byte;
    seen += 1;
    return seen === MESSAGE_HEADER ? checkSizes() : undefined;
  }

  /** Asked when a length became known: nothing is waited for that cannot end well. */
  function checkSizes(): HelloReading | undefined {
    if (recordEnd > MAX_HELLO_BYTES) return tooLarge();
    if (seen < MESSAGE_HEADER) return undefined;
    const missing = MESSAGE_HEADER + declared - seen;
    if (at + missing > MAX_HELLO_BYTES) return tooLarge();
    // A second message right behind the first could name a second host.
    return recordEnd - at > missing ? unreadableHello("something follows it in its record") : undefined;
  }

  function isWhole(): boolean {
    return seen >= MESSAGE_HEADER && seen === MESSAGE_HEADER + declared;
  }

  return {
    push(chunk) {
      keep(chunk);
      reading ??= scan();
      return reading;
    },
    bytes: () => raw.subarray(0, length),
  };
}

/** Doubled, so that a hello in single bytes is copied a few times and not once per byte. */
function capacityFor(length: number): number {
  let capacity = FIRST_CAPACITY;
  while (capacity < length) capacity *= 2;
  return Math.min(capacity, MAX_HELLO_BYTES);
}

/** The handshake message in the whole records that end at `end`. */
function assembleMessage(raw: Buffer, end: number): Buffer {
  const firstEnd = RECORD_HEADER + raw.readUInt16BE(RECORD_HEADER - 2);
  if (firstEnd === end) return raw.subarray(RECORD_HEADER, end);
  const message = Buffer.allocUnsafe(end);
  let filled = 0;
  for (let at = 0; at < end; ) {
    const fragment = at + RECORD_HEADER;
    const next = fragment + raw.readUInt16BE(fragment - 2);
    filled += raw.copy(message, filled, fragment, next);
    at = next;
  }
  return message.subarray(0, filled);
}

function notTls(): HelloReading {
  const detail = "the first bytes of a tunnel must be a TLS ClientHello: only TLS is carried";
  return { ok: false, reason: "not_tls", detail };
}

function tooLarge(): HelloReading {
  const detail = `the TLS ClientHello must end within ${MAX_HELLO_BYTES} bytes, record headers included`;
  return { ok: false, reason: "hello_too_large", detail };
}
