import canonicalize from "canonicalize";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

describe("canonical JSON", () => {
  it("is what the library writes, for whatever JSON there is", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("10", "9", "__proto__", "\ud83d\ude00", "\ufb33", "a"),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: "binary" }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(name, tie("value"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 6 }), (object) => {
        expect(canonicalJson(object)).toBe(canonicalize(object));
      }),
      { seed: 8785, numRuns: 2_000 },
    );
  });

  it("leaves out what is undefined", () => {
    expect(canonicalJson({ b: 1, a: undefined })).toBe('{"b":1}');
  });

  it.each(["\ud800", "a\udc00b"])("has no form for half a surrogate pair", (text) => {
    expect(() => canonicalJson({ text })).toThrow();
    expect(() => canonicalJson({ [text]: 1 })).toThrow();
  });

  it("is not confused by an escape that stands for itself", () => {
    expect(canonicalJson({ text: "\\ud800" })).toBe(canonicalize({ text: "\\ud800" }));
  });
});
