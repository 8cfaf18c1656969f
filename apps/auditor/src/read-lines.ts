const NEWLINE = 0x0a;
/** An event is at most 64 KiB: nothing of ours writes a longer line. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Stands for what was read of a longer one: no JSON, so the verifier names the line. */
const TOO_LONG = Buffer.from("too long");

/**
 * The lines of a log, without their line breaks; a last line without one is a line too. Not `readline`,
 * which also breaks at U+2028, and that may stand inside a JSON string.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  // Strict UTF-8: a replacement character would hide which bytes are really there.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE)) {
      yield decodeLine(decoder, buffer.subarray(0, end));
      buffer = buffer.subarray(end + 1);
    }
    rest = buffer.length > MAX_LINE_BYTES ? TOO_LONG : buffer;
  }
  if (rest.length > 0) yield decodeLine(decoder, rest);
}

/** Bytes that are not UTF-8 become a line that is no JSON, so that the verifier names it. */
function decodeLine(decoder: { decode(bytes: Buffer): string }, bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return "not UTF-8";
    throw error;
  }
}
