/** Reads forward through bytes that somebody else wrote; it never throws and never reads past their end. */
export interface ByteCursor {
  /** The next 1 to 4 bytes as a big-endian number, or 0 past the end. */
  uint(size: number): number;
  /** The next bytes, or none past the end. */
  take(length: number): Buffer;
  /** A vector (RFC 8446 section 3.4): its length in this many bytes, then its content. */
  vector(lengthSize: number): Buffer;
  /** There are bytes left, and none were missing so far. */
  hasMore(): boolean;
  /** Every byte was read and none was missing: before this is true, nothing that was read may be used. */
  endedExactly(): boolean;
}

export function createByteCursor(bytes: Buffer): ByteCursor {
  let at = 0;
  // Sticky: once bytes were missing, every later read gives nothing, so that one question at the end is enough.
  let missed = false;

  function has(length: number): boolean {
    missed ||= bytes.length - at < length;
    return !missed;
  }
  function uint(size: number): number {
    if (!has(size)) return 0;
    at += size;
    return bytes.readUIntBE(at - size, size);
  }
  function take(length: number): Buffer {
    if (!has(length)) return bytes.subarray(0, 0);
    at += length;
    return bytes.subarray(at - length, at);
  }
  return {
    uint,
    take,
    vector: (lengthSize) => take(uint(lengthSize)),
    hasMore: () => !missed && at < bytes.length,
    endedExactly: () => !missed && at === bytes.length,
  };
}
