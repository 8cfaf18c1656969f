import { describe, expect, it } from "vitest";
import { readVisibleText, toVisibleString } from "./visible-text.ts";

describe("visible text", () => {
  it.each([
    ["plain text", "rm -rf build", "rm -rf build"],
    ["letters of other scripts", "naïve 漢字 עברית 👍", "naïve 漢字 עברית 👍"],
    ["the layout of pretty-printed JSON", '{\n    "a": 1\n}', '{\n    "a": 1\n}'],
    ["a zero-width space", "a\u200bb", "a⟨U+200B zero-width space⟩b"],
    ["a right-to-left override", "txt\u202eexe", "txt⟨U+202E right-to-left override⟩exe"],
    ["a no-break space", "a\u00a0b", "a⟨U+00A0 no-break space⟩b"],
    ["a wide space", "a\u3000b", "a⟨U+3000⟩b"],
    ["a variation selector of the supplement", "a\u{e0100}", "a⟨U+E0100⟩"],
    ["a tag character", "a\u{e0041}", "a⟨U+E0041⟩"],
    ["a carriage return", "safe\rdangerous", "safe⟨U+000D carriage return⟩dangerous"],
    ["a tab", "a\tb", "a⟨U+0009 tab⟩b"],
    ["an escape sequence", "\u001b[8mhidden", "⟨U+001B⟩[8mhidden"],
    ["a lone surrogate", "a\ud800b", "a⟨U+D800⟩b"],
    ["a private character", "\ue000", "⟨U+E000⟩"],
    ["a Hangul filler", "\u3164", "⟨U+3164⟩"],
    ["a braille blank", "\u2800", "⟨U+2800⟩"],
    ["three spaces", "a   b", "a   b"],
    ["four spaces after text", "a    b", "a⟨4 spaces⟩b"],
    ["padding to beyond the edge", `a${" ".repeat(300)}; rm`, "a⟨300 spaces⟩; rm"],
    ["nothing", "", ""],
  ])("%s", (_name, text, expected) => expect(toVisibleString(text)).toBe(expected));

  it("tells markers from text that looks like one", () => {
    expect(readVisibleText("⟨U+200B⟩\u200b")).toEqual([
      { text: "⟨U+200B⟩", isMarker: false },
      { text: "⟨U+200B zero-width space⟩", isMarker: true },
    ]);
  });
});
