import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEchoWatch, hasEcho, spellingsOf } from "./echo-watch.ts";

const SECRET = 's3cr3t&"value"+of/x';
const spellings = spellingsOf(SECRET);

/** What would have passed before the watch said stop; undefined when it never did. */
function passed(bytes: Buffer, cuts: readonly number[]): { text: string; isFound: boolean } {
  const watch = createEchoWatch(spellings);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let taken = 0;
  let safe = 0;
  for (const end of ends) {
    const { isFound, held } = watch.take(bytes.subarray(taken, end));
    taken = end;
    if (isFound) return { text: bytes.subarray(0, safe).toString("latin1"), isFound };
    safe = taken - held;
  }
  return { text: bytes.toString("latin1"), isFound: false };
}

describe("a value that must not pass", () => {
  it.each([
    ["as it is", SECRET],
    ["in JSON", JSON.stringify({ a: SECRET })],
    ["in a URL", encodeURIComponent(SECRET)],
    ["in HTML", "s3cr3t&amp;&quot;value&quot;+of/x"],
    ["in hexadecimal", Buffer.from(SECRET).toString("hex")],
    ["in base64", Buffer.from(SECRET).toString("base64")],
    ["in Basic credentials", Buffer.from(`user:${SECRET}`).toString("base64")],
    ["in base64 behind two bytes", Buffer.from(`xy${SECRET}z`).toString("base64url")],
  ])("is seen %s, and nothing of it has left, wherever chunks end", (_how, echo) => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.array(fc.nat(), { maxLength: 8 }), (before, after, cuts) => {
        const start = Buffer.from(before);
        const { text, isFound } = passed(Buffer.concat([start, Buffer.from(echo), Buffer.from(after)]), cuts);
        expect(isFound).toBe(true);
        expect(text.length).toBeLessThan(start.length + echo.length);
        expect(hasEcho(text, spellings)).toBe(false);
      }),
      { seed: 24, numRuns: 100 },
    );
  });

  it("does not hold back what is something else", () => {
    const watch = createEchoWatch(spellings);
    expect(watch.take(Buffer.from("data: hello\n\n"))).toEqual({ isFound: false, held: 0 });
    expect(watch.take(Buffer.from("data: s3cr"))).toEqual({ isFound: false, held: 4 });
    expect(watch.take(Buffer.from("own\n\n"))).toEqual({ isFound: false, held: 0 });
  });
});
