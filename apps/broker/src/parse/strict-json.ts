import type { JsonValue } from "@claws/contracts";

export type StrictParse =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly reason: string };

const MAX_DEPTH = 64;

/**
 * Parses JSON the way that leaves no room for two readings of one body (RFC 8259 section 4, I-JSON
 * RFC 7493): valid UTF-8 without BOM, no duplicate keys even in another case, no key `__proto__`, no lone
 * surrogates, only numbers that every reader agrees on, depth of at most 64, nothing after the value.
 */
export function parseStrictJson(body: Uint8Array): StrictParse {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return { ok: false, reason: "the body is not valid UTF-8" };
  }
  if (text.startsWith("\uFEFF")) return { ok: false, reason: "the body starts with a byte order mark" };
  try {
    return { ok: true, value: new Reader(text).readDocument() };
  } catch (error) {
    if (error instanceof StrictJsonError) return { ok: false, reason: error.message };
    throw error;
  }
}

class StrictJsonError extends Error {}

// RFC 8259 section 7 names the control characters that a string must escape.
// oxlint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;

class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): JsonValue {
    const value = this.#readValue(0);
    this.#skipSpace();
    if (this.#position < this.#text.length) this.#fail("something follows the JSON value");
    return value;
  }

  #readValue(depth: number): JsonValue {
    if (depth > MAX_DEPTH) this.#fail(`the body is nested deeper than ${MAX_DEPTH}`);
    this.#skipSpace();
    switch (this.#text[this.#position]) {
      case "{":
        return this.#readObject(depth);
      case "[":
        return this.#readArray(depth);
      case '"':
        return this.#readString();
      case "t":
        return this.#readWord("true", true);
      case "f":
        return this.#readWord("false", false);
      case "n":
        return this.#readWord("null", null);
      default:
        return this.#readNumber();
    }
  }

  #readObject(depth: number): JsonValue {
    const object: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>;
    const folded = new Set<string>();
    this.#position++;
    if (this.#take("}")) return object;
    do {
      this.#skipSpace();
      const key = this.#readString();
      const fold = key.normalize("NFKC").toLowerCase();
      if (folded.has(fold))
        this.#fail(
          `the key ${JSON.stringify(key.slice(0, 40))} is there twice (case does not tell keys apart)`,
        );
      folded.add(fold);
      // A key like any other to some readers, to others the prototype, to schemas nothing at all.
      if (fold === "__proto__") this.#fail("a key is __proto__, where readers disagree");
      if (!this.#take(":")) this.#fail("a colon is missing");
      object[key] = this.#readValue(depth + 1);
    } while (this.#take(","));
    if (!this.#take("}")) this.#fail("an object does not end");
    return object;
  }

  #readArray(depth: number): JsonValue {
    const array: JsonValue[] = [];
    this.#position++;
    if (this.#take("]")) return array;
    do array.push(this.#readValue(depth + 1));
    while (this.#take(","));
    if (!this.#take("]")) this.#fail("an array does not end");
    return array;
  }

  #readString(): string {
    const literal = this.#match(STRING);
    if (literal === undefined) this.#fail("a string is malformed");
    const value = literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
    if (!value.isWellFormed()) this.#fail("a string holds a lone surrogate");
    return value;
  }

  #readNumber(): number {
    const literal = this.#match(NUMBER);
    if (literal === undefined) this.#fail("a value is malformed");
    const value = Number(literal);
    if (!Number.isFinite(value)) this.#fail("a number is out of range");
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      this.#fail("an integer is beyond 2^53, where readers disagree");
    if (Object.is(value, -0)) this.#fail("a number is negative zero");
    return value;
  }

  #readWord<Value extends JsonValue>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#position)) this.#fail("a value is malformed");
    this.#position += word.length;
    return value;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#position;
    SPACE.test(this.#text);
    this.#position = SPACE.lastIndex;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#position += found.length;
    return found;
  }

  #fail(reason: string): never {
    throw new StrictJsonError(`${reason} (at character ${this.#position})`);
  }
}
