import type { ArgumentConstraint, JsonValue } from "@claws/contracts";
import { array, assert, constantFrom, property } from "fast-check";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { findConstraintViolation } from "./argument-constraints.ts";

function violates(constraint: ArgumentConstraint, value: JsonValue): boolean {
  const key = "tools.rules[0].constraints.it";
  const found = findConstraintViolation([{ argument: "it", constraint, key }], { it: value });
  if (found !== undefined) expect(found).toMatchObject({ argument: "it", key });
  return found !== undefined;
}

describe("a path under roots", () => {
  const roots = ["/workspace", "/data/shared/"];

  it.each([
    "/workspace",
    "/workspace/",
    "/workspace/a/b.txt",
    "/workspace/./a",
    "/workspace/a/../b",
    "/workspace/..a",
    "/workspace/...",
    "//workspace/a",
    "/workspace//a",
    "/etc/../workspace/a",
    "/data/shared",
    "/data/shared/a",
    "/workspace/%2e%2e/a",
    "/workspace/ü 日本",
  ])("may be %j", (path) => expect(violates({ roots }, path)).toBe(false));

  it.each([
    "/workspace/..",
    "/workspace/../",
    "/workspace/../etc/passwd",
    "/workspace/a/../../etc/passwd",
    "/workspace/./../etc",
    "/workspace/a/b/../../../workspace2",
    "/workspace2",
    "/workspac",
    "/workspace-evil/a",
    "/Workspace/a",
    "/data",
    "/data/shared2",
    "/data/shared/..",
    "/",
    "",
    ".",
    "..",
    "workspace/a",
    "./workspace/a",
    "~/workspace",
    " /workspace/a",
    "file:///workspace/a",
    String.raw`/workspace\..\etc`,
    String.raw`\workspace\a`,
    "/workspace/a\0/../../etc/passwd",
    "\0/workspace",
    7,
    null,
    true,
    { path: "/workspace" },
    [["/workspace"]],
  ])("must not be %j", (path) => expect(violates({ roots }, path)).toBe(true));

  it("may be anything absolute where the root is /", () => {
    expect(violates({ roots: ["/"] }, "/")).toBe(false);
    expect(violates({ roots: ["/"] }, "/etc")).toBe(false);
    expect(violates({ roots: ["/"] }, "etc")).toBe(true);
  });

  it("stays inside however its segments are strung together", () => {
    const segment = constantFrom("..", ".", "a", "workspace", "", "...", "..a");
    assert(
      property(array(segment, { maxLength: 8 }), (segments) => {
        const path = `/workspace/${segments.join("/")}`;
        const stays = !posix.relative("/workspace", path).split("/").includes("..");
        expect(violates({ roots: ["/workspace"] }, path)).toBe(!stays);
      }),
    );
  });
});

describe("a URL on hosts", () => {
  const hosts = ["good.test", "*.wild.test", "192.0.2.7"];

  it.each([
    "https://good.test",
    "https://good.test/",
    "http://good.test:8080/a?b#c",
    "HTTPS://GOOD.TEST/a",
    "https://a.wild.test/",
    "https://192.0.2.7/",
    "https://good.test?x",
    "https://good.test/@evil.test",
  ])("may be %j", (url) => expect(violates({ hosts }, url)).toBe(false));

  it.each([
    "https://evil.test/",
    "https://good.test.evil.test/",
    "https://notgood.test/",
    "https://good.test./",
    "https://wild.test/",
    "https://a.b.wild.test/",
    "https://good.test@evil.test/",
    "https://user@good.test/",
    "https://user:secret@good.test/",
    String.raw`https://good.test\@evil.test/`,
    String.raw`https:\\good.test/`,
    String.raw`https://good.test/\..`,
    "https:good.test",
    "https:/good.test",
    "https:///good.test",
    "//good.test/",
    "good.test",
    " https://good.test/",
    "https://good.test/ ",
    "https://good.\ntest/",
    "https://good.test/\r\nHost: evil.test",
    "https://good.test\t.evil.test/",
    "https://ｇood.test/",
    "https://good%2etest/",
    "https://3221225991/",
    "https://0300.0.02.07/",
    "ftp://good.test/",
    "file:///etc/passwd",
    "javascript:https://good.test/",
    "https://",
    "",
    7,
    null,
  ])("must not be %j", (url) => expect(violates({ hosts }, url)).toBe(true));
});

describe("the other constraints", () => {
  it.each<[string, ArgumentConstraint, JsonValue, boolean]>([
    ["a choice", { enum: ["a", 1, true] }, "a", false],
    ["a choice that is a number", { enum: ["a", 1, true] }, 1, false],
    ["another type of the same spelling", { enum: ["a", 1, true] }, "1", true],
    ["no choice", { enum: ["a", 1, true] }, "b", true],
    ["null for a choice", { enum: ["a"] }, null, true],
    ["the longest text", { maxLength: 3 }, "abc", false],
    ["a text one longer", { maxLength: 3 }, "abcd", true],
    ["a number where a text is measured", { maxLength: 3 }, 12, true],
    ["the largest number", { maximum: 3 }, 3, false],
    ["a number just larger", { maximum: 3 }, 3.000_001, true],
    ["a text where a number is measured", { maximum: 3 }, "2", true],
    ["a list in which each is fine", { maximum: 3 }, [1, 2, 3], false],
    ["a list in which one is not", { maximum: 3 }, [1, 4, 2], true],
    ["an empty list", { maximum: 3 }, [], false],
    ["a list in a list", { maximum: 3 }, [[1]], true],
    ["two that hold together", { maxLength: 12, roots: ["/a"] }, "/a/b", false],
    ["two of which one does not hold", { maxLength: 3, roots: ["/a"] }, "/a/b", true],
  ])("judge %s", (_what, constraint, value, expected) => {
    expect(violates(constraint, value)).toBe(expected);
  });

  it("have nothing to say of an argument that is not there", () => {
    const constraints = [{ argument: "path", constraint: { roots: ["/a"] }, key: "k" }];
    expect(findConstraintViolation(constraints, { other: "/b" })).toBeUndefined();
  });

  it("report the first violation, with what would be right", () => {
    const constraints = [
      { argument: "path", constraint: { roots: ["/a", "/b"] }, key: "k1" },
      { argument: "size", constraint: { maximum: 1 }, key: "k2" },
    ];
    expect(findConstraintViolation(constraints, { size: 2, path: "/c" })).toEqual({
      argument: "path",
      key: "k1",
      reason: "must be an absolute path inside /a or /b",
    });
  });
});
