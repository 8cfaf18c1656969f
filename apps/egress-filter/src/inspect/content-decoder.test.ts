import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createContentDecoder } from "./content-decoder.ts";

/** All that was decoded from these chunks, or the fault. */
async function decode(encoding: string, chunks: readonly Buffer[]): Promise<string> {
  const decoder = createContentDecoder(encoding);
  if (decoder === undefined || decoder === "unreadable") return decoder ?? "plain";
  const pieces: Buffer[] = [];
  try {
    for (const chunk of [...chunks, undefined]) {
      const decoding = await (chunk === undefined ? decoder.finish() : decoder.decode(chunk));
      if (!decoding.ok) return decoding.fault;
      pieces.push(...decoding.pieces);
    }
    return Buffer.concat(pieces).toString("utf8");
  } finally {
    decoder.destroy();
  }
}

function split(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [0, ...at.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

const CODINGS = [
  ["gzip", gzipSync],
  ["x-gzip", gzipSync],
  ["deflate", deflateSync],
  ["deflate", deflateRawSync],
  ["br", brotliCompressSync],
  ["zstd", zstdCompressSync],
] as const;

describe("undoing a content coding", () => {
  it.each(CODINGS)("of %s gives the text, wherever the chunks end", async (encoding, encode) => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 3_000 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        async (text, cuts) => {
          expect(await decode(encoding, split(encode(Buffer.from(text)), cuts))).toBe(text);
        },
      ),
      { seed: 21, numRuns: 60 },
    );
  });

  it.each([
    ["", "plain"],
    ["identity", "plain"],
    ["Identity, GZIP", "hello"],
    ["aes128gcm", "unreadable"],
    ["gzip, gzip", "unreadable"],
    ["toString", "unreadable"],
    ["constructor", "unreadable"],
  ])("named %j gives %j", async (encoding, expected) => {
    expect(await decode(encoding, [gzipSync("hello")])).toBe(expected);
  });

  it.each(CODINGS)("of %s in nothing at all is nothing", async (encoding) => {
    expect(await decode(encoding, [])).toBe("");
  });

  it.each(CODINGS)("of %s that is cut off is broken", async (encoding, encode) => {
    const whole = encode(Buffer.from("hello ".repeat(100)));
    expect(await decode(encoding, [whole.subarray(0, whole.length - 3)])).toBe("broken-encoding");
  });

  it.each(CODINGS)("of %s with something behind its end is broken", async (encoding, encode) => {
    const whole = encode(Buffer.from("hello"));
    const secret = Buffer.from("AKIAQ3EGRZ7XLP2MTWVB");
    expect(await decode(encoding, [Buffer.concat([whole, secret])])).toBe("broken-encoding");
    expect(await decode(encoding, [whole, secret])).toBe("broken-encoding");
    expect(await decode(encoding, [...split(whole, [4]), secret.subarray(0, 1), secret])).toBe(
      "broken-encoding",
    );
  });

  it.each(CODINGS)("of %s in plain text is broken", async (encoding) => {
    expect(await decode(encoding, [Buffer.from("this is plain text, said to be coded")])).toBe(
      "broken-encoding",
    );
  });

  it("of two gzip members reads both", async () => {
    expect(await decode("gzip", [Buffer.concat([gzipSync("one "), gzipSync("two")])])).toBe("one two");
    expect(await decode("gzip", [gzipSync("one "), gzipSync("two")])).toMatch(
      /^(?:one two|broken-encoding)$/,
    );
  });

  it.each(CODINGS)("of %s stops at a bomb", async (encoding, encode) => {
    const bomb = encode(Buffer.alloc(64 * 1024 * 1024));
    expect(await decode(encoding, [bomb])).toBe("decompression-bomb");
  });

  it("never throws and never hangs on what is no coding", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("gzip", "deflate", "br", "zstd"),
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
        async (encoding, chunks) => {
          await decode(
            encoding,
            chunks.map((chunk) => Buffer.from(chunk)),
          );
        },
      ),
      { seed: 22, numRuns: 200 },
    );
  });
});
