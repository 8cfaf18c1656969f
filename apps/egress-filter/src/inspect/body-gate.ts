import { createContentDecoder, type ContentDecoder, type Decoding } from "./content-decoder.ts";
import type { ContentFinding, ContentJudge } from "./content-judge.ts";
import { createEchoWatch, type EchoWatch } from "./echo-watch.ts";

/** How much of a body is judged at once. */
export const WINDOW_BYTES = 64 * 1024;
/** How much of a window is looked at again with the next one, so that an end in the middle hides nothing. */
export const OVERLAP_BYTES = 4 * 1024;
/** Findings of one body that are reported one by one. */
const MOST_REPORTED = 20;

export interface BodyGateOptions {
  readonly judge: ContentJudge;
  readonly contentEncoding: string;
  /**
   * `window`: nothing leaves before the window that it is in was judged, and its last bytes wait for the next
   * one. `chunk`: each chunk leaves as soon as it was judged, for bodies whose sender waits for an answer in
   * between, and for event streams.
   */
  readonly pace: "window" | "chunk";
  /** Spellings of a value that must not pass, whatever the profile says. */
  readonly hidden?: readonly Buffer[];
  readonly onFinding: (finding: ContentFinding) => void;
}

/** Ends a body: what was found may not pass. */
export class BodyBlocked extends Error {
  override readonly name = "BodyBlocked";
  readonly finding: ContentFinding;

  constructor(finding: ContentFinding) {
    super(`blocked: ${finding.rule}`);
    this.finding = finding;
  }
}

/** Raw bytes that wait, and where they end in the text that they decode to. */
interface Waiting {
  bytes: Buffer;
  end: number;
}

/**
 * Judges a body while it passes, unchanged. A match of up to OVERLAP_BYTES does not leave in part; of a longer
 * one, what stands before its last window has left.
 */
export class BodyGate {
  readonly #options: BodyGateOptions;
  readonly #decoder: ContentDecoder | undefined;
  readonly #echo: EchoWatch | undefined;
  readonly #mustWait: boolean;
  #isReadable = true;
  #isFirst = true;
  #waiting: Waiting[] = [];
  /** Positions in the decoded body. */
  #received = 0;
  #judged = 0;
  #echoHeld = 0;
  /** Decoded bytes that were not judged yet. */
  #fresh: Buffer[] = [];
  #tail: Buffer = Buffer.alloc(0);
  #reported = 0;

  constructor(options: BodyGateOptions) {
    this.#options = options;
    const decoder = createContentDecoder(options.contentEncoding);
    this.#decoder = decoder === "unreadable" ? undefined : decoder;
    this.#isReadable = decoder !== "unreadable";
    const hidden = options.hidden ?? [];
    this.#echo = hidden.length === 0 ? undefined : createEchoWatch(hidden);
    this.#mustWait = options.judge.canBlock || this.#echo !== undefined;
  }

  /** What may be sent on after this chunk. Throws BodyBlocked. */
  async take(chunk: Buffer): Promise<Buffer[]> {
    if (this.#isFirst && !this.#isReadable)
      this.#settle(this.#options.judge.judgeForm("unreadable-encoding"));
    this.#isFirst = false;
    if (!this.#isReadable) return [chunk];
    if (this.#mustWait) this.#waiting.push({ bytes: chunk, end: Number.POSITIVE_INFINITY });
    if (this.#decoder) await this.#takeDecoded(await this.#decoder.decode(chunk));
    else this.#takeText(chunk);
    if (!this.#mustWait) return [chunk];
    const newest = this.#waiting.at(-1);
    if (newest) newest.end = this.#received;
    return this.#release(this.#isReadable ? this.#safeEnd() : Number.POSITIVE_INFINITY);
  }

  /** What is left when the body has ended. Throws BodyBlocked. */
  async finish(): Promise<Buffer[]> {
    if (this.#isReadable && this.#decoder) await this.#takeDecoded(await this.#decoder.finish());
    this.#judgeFresh();
    return this.#release(Number.POSITIVE_INFINITY);
  }

  destroy(): void {
    this.#decoder?.destroy();
  }

  async #takeDecoded(decoding: Decoding): Promise<void> {
    if (!decoding.ok) {
      this.#settle(this.#options.judge.judgeForm(decoding.fault));
      // Flagged only: the rest passes unread, as the profile has it.
      this.#isReadable = false;
      return;
    }
    for (const [index, piece] of decoding.pieces.entries()) {
      this.#takeText(piece);
      // Others shall have their turn while a large chunk is read.
      if (index % 16 === 15) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #takeText(text: Buffer): void {
    for (let start = 0; start < text.length; ) {
      const room = WINDOW_BYTES - (this.#received - this.#judged);
      const part = text.subarray(start, start + room);
      start += part.length;
      this.#received += part.length;
      this.#fresh.push(part);
      if (this.#options.pace === "chunk" || part.length === room) this.#judgeFresh();
    }
  }

  #judgeFresh(): void {
    const fresh = this.#fresh.length === 1 ? (this.#fresh[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#fresh);
    this.#fresh = [];
    if (fresh.length === 0) return;
    if (this.#echo) {
      const { isFound, held } = this.#echo.take(fresh);
      this.#echoHeld = held;
      if (isFound) this.#settle(this.#options.judge.judgeForm("credential-echo"));
    }
    const { judge } = this.#options;
    if (!judge.isIdle) {
      // A character that the boundary parts counts for more when it is parted: rather twice than never.
      const seen = Math.max(0, this.#tail.toString("utf8").length - 8);
      const window = this.#tail.length === 0 ? fresh : Buffer.concat([this.#tail, fresh]);
      for (const finding of judge.judge(window.toString("utf8"), "body", seen)) this.#settle(finding);
      this.#tail = Buffer.from(window.subarray(Math.max(0, window.length - OVERLAP_BYTES)));
    }
    this.#judged = this.#received;
  }

  /** Up to here everything was judged, and nothing that follows can change the verdict. */
  #safeEnd(): number {
    const held = this.#options.pace === "window" ? Math.max(OVERLAP_BYTES, this.#echoHeld) : this.#echoHeld;
    return this.#judged - held;
  }

  /** Takes out what ends before `end`. A chunk that is coded goes as a whole, since its parts cannot be told. */
  #release(end: number): Buffer[] {
    const released: Buffer[] = [];
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.end <= end) {
        released.push(first.bytes);
        this.#waiting.shift();
        continue;
      }
      const ready = this.#decoder ? 0 : end - (first.end - first.bytes.length);
      if (ready > 0) {
        released.push(first.bytes.subarray(0, ready));
        first.bytes = first.bytes.subarray(ready);
      }
      break;
    }
    return released;
  }

  #settle(finding: ContentFinding): void {
    // A value that must not pass could be in what cannot be read, and nobody would see it.
    const isHidingPlace = this.#echo !== undefined && finding.rule.endsWith("-encoding");
    const settled: ContentFinding = isHidingPlace ? { ...finding, action: "block" } : finding;
    if (settled.action === "block" || this.#reported++ < MOST_REPORTED) this.#options.onFinding(settled);
    if (settled.action === "block") throw new BodyBlocked(settled);
  }
}
