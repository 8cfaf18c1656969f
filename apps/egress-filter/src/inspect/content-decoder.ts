import { Transform } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";

/** Why a body could not be read on. */
export type DecodingFault = "broken-encoding" | "decompression-bomb";

export type Decoding =
  | { readonly ok: true; readonly pieces: readonly Buffer[] }
  | { readonly ok: false; readonly fault: DecodingFault };

/** Undoes a content coding (RFC 9110 section 8.4.1) as the chunks come, for reading alone: what is sent on stays coded. */
export interface ContentDecoder {
  decode(chunk: Buffer): Promise<Decoding>;
  /** What is left at the end; a coding that is cut off or followed by something else is broken. */
  finish(): Promise<Decoding>;
  destroy(): void;
}

/** A body may grow by this factor, once it has grown by the first megabyte at all. */
const MAX_RATIO = 100;
const FREE_BYTES = 1024 * 1024;
const MAX_DECODED_BYTES = 256 * 1024 * 1024;

const CODINGS: Readonly<Record<string, (first: Buffer) => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  deflate: (first) => (hasZlibHeader(first) ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** The codings that can be read, as `Accept-Encoding` names them. */
export const READABLE_CODINGS: readonly string[] = Object.keys(CODINGS);

/**
 * `undefined`: the body is not coded. `unreadable`: it is, in a way that cannot be undone here, or in several
 * layers.
 */
export function createContentDecoder(contentEncoding: string): ContentDecoder | "unreadable" | undefined {
  const codings = contentEncoding
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  const [coding] = codings;
  if (coding === undefined) return undefined;
  const create = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
  return codings.length > 1 || create === undefined ? "unreadable" : new BoundedDecoder(create);
}

class BoundedDecoder implements ContentDecoder {
  readonly #create: (first: Buffer) => Transform;
  #stream: Transform | undefined;
  #pieces: Buffer[] = [];
  #encoded = 0;
  #decoded = 0;
  #fault: DecodingFault | undefined;
  #hasEnded = false;
  /** Settles the step that is under way, whatever event ends it. */
  #settle: () => void = () => {};

  constructor(create: (first: Buffer) => Transform) {
    this.#create = create;
  }

  async decode(chunk: Buffer): Promise<Decoding> {
    if (chunk.length === 0) return { ok: true, pieces: [] };
    this.#encoded += chunk.length;
    const stream = (this.#stream ??= this.#open(chunk));
    // The coding was over, and yet something follows: a reader that stops there would not see it.
    if (this.#hasEnded) return this.#fail("broken-encoding");
    return this.#step(() => stream.write(chunk, () => this.#settle()));
  }

  async finish(): Promise<Decoding> {
    const stream = this.#stream;
    if (stream === undefined || this.#hasEnded) return this.#taken();
    return this.#step(() => stream.end());
  }

  destroy(): void {
    this.#stream?.destroy();
  }

  #open(first: Buffer): Transform {
    const stream = this.#create(first);
    stream.on("data", (piece: Buffer) => {
      this.#decoded += piece.length;
      const most = Math.min(MAX_DECODED_BYTES, FREE_BYTES + this.#encoded * MAX_RATIO);
      if (this.#decoded > most) {
        this.#fault = "decompression-bomb";
        this.#pieces = [];
        stream.destroy();
        return this.#settle();
      }
      this.#pieces.push(piece);
    });
    stream.once("end", () => {
      this.#hasEnded = true;
      const consumed = (stream as Transform & { readonly bytesWritten: number }).bytesWritten;
      if (consumed < this.#encoded) this.#fault ??= "broken-encoding";
      this.#settle();
    });
    stream.on("error", () => {
      this.#fault ??= "broken-encoding";
      this.#settle();
    });
    return stream;
  }

  async #step(start: () => void): Promise<Decoding> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settle = resolve;
    start();
    await promise;
    return this.#fault === undefined ? this.#taken() : this.#fail(this.#fault);
  }

  #taken(): Decoding {
    return { ok: true, pieces: this.#pieces.splice(0) };
  }

  #fail(fault: DecodingFault): Decoding {
    this.#fault = fault;
    this.destroy();
    return { ok: false, fault };
  }
}

/** RFC 1950 section 2.2. Some send `deflate` without the header that it should have. */
function hasZlibHeader(first: Buffer): boolean {
  const [method = 0, flags = 0] = first;
  return (method & 0x0f) === 8 && (first.length < 2 || ((method << 8) | flags) % 31 === 0);
}
