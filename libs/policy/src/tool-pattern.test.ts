import { assert, constantFrom, property, string, stringMatching } from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesTool } from "./tool-pattern.ts";

describe("a tool pattern", () => {
  it.each([
    ["fs__read_file", "fs__read_file", true],
    ["fs__read_file", "fs__read_files", false],
    ["fs__read_file", "xfs__read_file", false],
    ["fs__*", "fs__read_file", true],
    ["fs__*", "fs2__read_file", false],
    ["fs__read_*", "fs__read_", true],
    ["fs__read_*", "fs__read", false],
    ["fs__*_file", "fs__read_text_file", true],
    ["fs__*_file", "fs__file", false],
    ["fs__*a*b", "fs__xaxb", true],
    ["fs__*a*b", "fs__xbxa", false],
    ["fs__*ab*ab", "fs__ab", false],
    ["fs__*ab*ab", "fs__abab", true],
    ["*__read_file", "mail__read_file", true],
    ["*__read_file", "mail__unread_file", false],
    ["*", "fs__read_file", true],
    ["**", "fs__read_file", true],
    ["", "fs__read_file", false],
    ["read_file", "fs__read_file", true],
    ["read_file", "mail__read_file", true],
    ["read_file", "fs__unread_file", false],
    ["read_*", "fs__read_file", true],
    ["fs*", "fs__read_file", false],
    ["Read_file", "fs__read_file", false],
    ["read.file", "fs__read_file", false],
    ["_x", "fs___x", true],
    ["b", "fs__a__b", false],
    ["fs__a__b", "fs__a__b", true],
  ])("%s means %s: %s", (pattern, tool, expected) => expect(matchesTool(pattern, tool)).toBe(expected));

  it("means what the same glob as a regular expression means", () => {
    const name = stringMatching(/^[a-c_.]{0,8}$/);
    const pattern = string({ unit: constantFrom("a", "b", "c", "_", ".", "*"), maxLength: 8 });
    assert(
      property(pattern, name, (tail, own) => {
        const glob = `s__${tail}`;
        const source = glob.replaceAll(".", String.raw`\.`).replaceAll("*", ".*");
        expect(matchesTool(glob, `s__${own}`)).toBe(new RegExp(`^${source}$`).test(`s__${own}`));
      }),
    );
  });

  it("is decided in bounded steps, however many stars it has", () => {
    expect(matchesTool(`fs__${"*a".repeat(70)}`, `fs__${"a".repeat(60)}`)).toBe(false);
  });
});
