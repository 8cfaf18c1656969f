import { assert, json, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("parseStrictJson", () => {
  it.each([
    ["duplicate keys", '{"a":1,"a":2}', "there twice"],
    ["case-variant keys", '{"name":1,"Name":2}', "there twice"],
    ["escaped duplicates", String.raw`{"a":1,"\u0061":2}`, "there twice"],
    ["full-width duplicates", '{"a":1,"\uff41":2}', "there twice"],
    ["duplicates deep inside", '[{"x":{"a":1,"A":2}}]', "there twice"],
    ["a key that names the prototype", '{"__proto__":{"x":1}}', "__proto__"],
    ["the same, escaped and deep inside", String.raw`[{"a":{"\u005f_proto__":1}}]`, "__proto__"],
    ["lone surrogates", String.raw`["\ud800"]`, "lone surrogate"],
    ["2^53+1", "[9007199254740993]", "2^53"],
    ["2^53 itself", "[9007199254740992]", "2^53"],
    ["huge exponents", "[1e400]", "out of range"],
    ["integers written as exponents beyond 2^53", "[1e20]", "2^53"],
    ["negative zero", "[-0]", "negative zero"],
    ["depth 65", nested(66), "deeper than 64"],
    ["a byte order mark", "\uFEFF{}", "byte order mark"],
    ["trailing data", "{} {}", "follows"],
    ["a trailing comma", "[1,]", "malformed"],
    ["leading zeros", "[01]", "does not end"],
    ["NaN", "[NaN]", "malformed"],
    ["single quotes", "{'a':1}", "malformed"],
    ["comments", "[1/*x*/]", "does not end"],
    ["control characters in strings", '["\u0001"]', "malformed"],
    ["nothing", "", "malformed"],
    ["an unfinished object", '{"a":1', "does not end"],
  ])("refuses %s", (_name, text, reason) => {
    expect(parseStrictJson(bytes(text))).toMatchObject({
      ok: false,
      reason: expect.stringContaining(reason),
    });
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22))).toMatchObject({ ok: false });
  });

  it.each([
    "[9007199254740991]",
    nested(65),
    '{"constructor":{"prototype":1},"toString":2}',
    String.raw`["\ud83d\ude00"]`,
    " [1.5e3] ",
  ])("accepts %s", (text) => expect(parseStrictJson(bytes(text))).toMatchObject({ ok: true }));

  it("reads whatever it accepts exactly as JSON.parse does", () => {
    assert(
      property(json(), (text) => {
        const parsed = parseStrictJson(bytes(text));
        if (parsed.ok) expect(JSON.stringify(parsed.value)).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it("ends in bounded steps on a long run of openings", () => {
    expect(parseStrictJson(bytes("[".repeat(1_000_000))).ok).toBe(false);
  });
});
