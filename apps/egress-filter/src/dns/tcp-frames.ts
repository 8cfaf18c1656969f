/** The whole messages in what came so far; not ok when the sender is to be cut off. */
export type FrameReading =
  | { readonly ok: true; readonly messages: readonly Buffer[] }
  | { readonly ok: false; readonly messages: readonly Buffer[] };

const LENGTH_SIZE = 2;

/**
 * Cuts a TCP stream into DNS messages (RFC 7766 section 8, RFC 1035 section 4.2.2). Keeps at most one
 * unfinished message, of `maxLength` bytes; a longer one ends the stream.
 */
export function createFrameReader(maxLength: number): (chunk: Buffer) => FrameReading {
  let rest: Buffer = Buffer.alloc(0);
  return function read(chunk) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= LENGTH_SIZE) {
      const length = bytes.readUInt16BE(at);
      if (length > maxLength) return { ok: false, messages };
      const end = at + LENGTH_SIZE + length;
      if (end > bytes.length) break;
      messages.push(bytes.subarray(at + LENGTH_SIZE, end));
      at = end;
    }
    rest = Buffer.from(bytes.subarray(at));
    return { ok: true, messages };
  };
}

/** Length and message as one piece, so that they leave in one segment (RFC 7766, section 8). */
export function toFrame(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_SIZE + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, LENGTH_SIZE);
  return frame;
}
