import { assert, constantFrom, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesPath, readPathPattern } from "./path-pattern.ts";

function matches(text: string, path: string): boolean {
  const reading = readPathPattern(text);
  if (!reading.ok) throw new Error(reading.reason);
  return matchesPath(reading.pattern, path);
}

describe("a path pattern", () => {
  it.each([
    ["/v1/models", "/v1/models", true],
    ["/v1/models", "/v1/models/", false],
    ["/v1/models", "/v1/models2", false],
    ["/", "/", true],
    ["/", "/anything/at/all", true],
    ["/v1/", "/v1/", true],
    ["/v1/", "/v1/a/b", true],
    ["/v1/", "/v1", false],
    ["/v1/", "/v10/a", false],
    ["/v1/*", "/v1/a", true],
    ["/v1/*", "/v1/a/b", false],
    ["/v1/*", "/v1/", false],
    ["/v1/*", "/v1%2Fa", false],
    ["/repos/*/issues", "/repos/a/issues", true],
    ["/repos/*/issues", "/repos/a/b/issues", false],
    ["/repos/*/issues/", "/repos/a/issues/7", true],
    ["/a/**/z", "/a/z", true],
    ["/a/**/z", "/a/b/c/z", true],
    ["/a/**/z", "/a/b/zz", false],
    ["/a/**", "/a/b/c", true],
    ["/a/**", "/a/", true],
    ["/a/**", "/a", false],
    ["/**", "/", true],
    ["/**/x/**/y", "/x/1/x/2/y", true],
    ["/**/x/**/y", "/1/2/y", false],
    ["/f-*.js", "/f-.js", true],
    ["/f-*.js", "/f-a.b.js", true],
    ["/f-*.js", "/f-a.jsx", false],
    ["/a*b*a", "/aba", true],
    ["/a*b*a", "/aa", false],
    ["/a*a", "/a", false],
    ["/@scope%2Fname", "/@scope%2Fname", true],
  ])("%s means %s: %s", (pattern, path, expected) => expect(matches(pattern, path)).toBe(expected));

  it.each([
    "",
    "v1",
    "/a?b",
    "/a#b",
    "//a",
    "/a/../b",
    "/a/./b",
    "/%2e%2e/",
    "/a b",
    "/%61",
    "/a%2fb",
    "/é",
    "/a**",
    "/**a/",
    "/100%",
  ])("is refused with a reason when it is %j", (pattern) => {
    expect(readPathPattern(pattern)).toMatchObject({
      ok: false,
      reason: expect.stringContaining(`"${pattern}"`),
    });
  });

  it("means what the same glob means as a regular expression", () => {
    const pattern = string({ unit: constantFrom("a", "b", "/", "*", "/*/", "/**/"), maxLength: 8 });
    const path = string({ unit: constantFrom("a", "b", "/"), maxLength: 10 });
    assert(
      property(pattern, path, (rest, below) => {
        const text = `/${rest}`;
        const reading = readPathPattern(text);
        return !reading.ok || matchesPath(reading.pattern, `/${below}`) === toRegExp(text).test(`/${below}`);
      }),
      { seed: 20_261_122, numRuns: 20_000 },
    );
  });

  it("is linear enough for a path that was made to hurt", () => {
    expect(matches(`/${"*a".repeat(30)}b`, `/${"a".repeat(16_000)}`)).toBe(false);
    expect(matches(`${"/**/a".repeat(20)}/b`, "/a".repeat(8_000))).toBe(false);
  });
});

/** The same semantics, said another way. */
function toRegExp(text: string): RegExp {
  const isPrefix = text.endsWith("/");
  const segments = isPrefix ? text.slice(1, -1).split("/") : text.slice(1).split("/");
  let source = "";
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1;
    if (segment === "**") source += isLast && !isPrefix ? "(?:/[^/]*)+" : "(?:/[^/]*)*";
    else if (segment === "*") source += "/[^/]+";
    else if (segment !== "" || text !== "/") source += `/${segment.replaceAll("*", "[^/]*")}`;
  });
  return new RegExp(`^${source}${isPrefix ? "(?:/[^/]*)+" : ""}$`);
}
