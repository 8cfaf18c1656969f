/** Watches a stream of bytes for values that must not pass, wherever chunks happen to end. */
export interface EchoWatch {
  /**
   * Takes the next bytes. `isFound`: a value is in what was taken so far. `held`: how many bytes at the end could
   * be the beginning of one, and so must wait for what follows.
   */
  take(chunk: Buffer): { readonly isFound: boolean; readonly held: number };
}

/** The spellings of a value in which hosts repeat what they were sent, as bytes. */
export function spellingsOf(value: string): Buffer[] {
  const hex = Buffer.from(value).toString("hex");
  const spellings = [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value.toWellFormed()),
    value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
    hex,
    hex.toUpperCase(),
    ...base64Everywhere(value),
  ];
  return [...new Set(spellings)].map((text) => Buffer.from(text, "utf8"));
}

/** Whether a text, for instance a header's value, has the value in it. */
export function hasEcho(text: string, spellings: readonly Buffer[]): boolean {
  const bytes = Buffer.from(text, "utf8");
  return spellings.some((spelling) => bytes.includes(spelling));
}

export function createEchoWatch(spellings: readonly Buffer[]): EchoWatch {
  const longest = Math.max(1, ...spellings.map(({ length }) => length));
  let tail = Buffer.alloc(0);
  return {
    take(chunk) {
      const bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      const isFound = spellings.some((spelling) => bytes.includes(spelling));
      tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - longest + 1)));
      return { isFound, held: Math.max(0, ...spellings.map((spelling) => beginsIn(tail, spelling))) };
    },
  };
}

/** The length of the longest beginning of `spelling` that `tail` ends in. */
function beginsIn(tail: Buffer, spelling: Buffer): number {
  for (let length = Math.min(tail.length, spelling.length - 1); length > 0; length--) {
    if (tail.subarray(tail.length - length).equals(spelling.subarray(0, length))) return length;
  }
  return 0;
}

/**
 * Base64 of the value at each of the three positions that it can have in a longer encoded text, without the
 * characters at either end that also depend on the neighbouring bytes: `Basic` credentials, for instance.
 */
function base64Everywhere(value: string): string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].flatMap((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor((shifted.length * 8) / 6);
    return [shifted.toString("base64").slice(first, last), shifted.toString("base64url").slice(first, last)];
  });
}
