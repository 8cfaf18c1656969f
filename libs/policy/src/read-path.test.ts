import { assert, constantFrom, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { readPath, widenPath } from "./read-path.ts";

const SEED = { seed: 20_261_122, numRuns: 10_000 };

describe("a path", () => {
  it.each([
    ["/", "/"],
    ["/v1/models", "/v1/models"],
    ["/v1/models?x=/../y", "/v1/models"],
    ["/v1/", "/v1/"],
    ["/v1%2fadmin", "/v1%2Fadmin"],
    ["/%76%31/%41", "/v1/A"],
    ["/%40scope%2Fname", "/@scope%2Fname"],
    ["/a;b=c/d", "/a;b=c/d"],
    ["/a%3bb", "/a%3Bb"],
    ["/caf%c3%a9", "/caf%C3%A9"],
    ["/100%25", "/100%25"],
    ["/...", "/..."],
    ["/..a/b..", "/..a/b.."],
    ["/.well-known/x", "/.well-known/x"],
    ["/a%20b", "/a%20b"],
    ['/a"b|c', "/a%22b%7Cc"],
    ["/%5B%7c", "/%5B%7C"],
    ["/?//", "/"],
  ])("%s is %s", (raw, path) => expect(readPath(raw)).toEqual({ ok: true, path }));

  it.each([
    "/v1/../admin",
    "/v1/./admin",
    "/..",
    "/.",
    "/v1/%2e%2e/admin",
    "/v1/.%2E/admin",
    "/v1/%252e%252e/admin",
    "/v1/%25252e./admin",
    "/v1/%c0%ae%c0%ae/admin",
    "/v1%2f..%2fadmin",
    "/v1%2f%2e%2e%2fadmin",
    "/v1%c0%af../admin",
    "/v1/..%5cadmin",
    "/v1%5c..%5cadmin",
    "/v1/..;x/admin",
    "/v1/..%3bx/admin",
    "/v1/.;/admin",
    "/v1;x/../admin",
    "/v1/..%20/admin",
    "/v1/..%00/admin",
    "//v1/x",
    "/v1//x",
    "//",
    "/v1\\x",
    "/v1#x",
    "/v1 x",
    "/v1\u0000x",
    "/v1\nx",
    "",
    "*",
    "v1",
    "?x",
    "http://a.test/",
    `/%${"25".repeat(9)}41`,
  ])("%j is refused wherever it is sent", (raw) =>
    expect(readPath(raw)).toMatchObject({ ok: false, reason: "path_ambiguous", isTraversal: true }),
  );

  it.each(["/100%", "/%zz", "/%4", "/a%5cb", "/a%00b", "/a%0ab", "/a%7f", "/%2541", "/%e9", "/%c0%80", "/é"])(
    "%j is refused where a rule has paths",
    (raw) => expect(readPath(raw)).toMatchObject({ ok: false, isTraversal: false }),
  );

  const bits = constantFrom(
    "a",
    "B",
    "/",
    ".",
    "%",
    "2",
    "5",
    "e",
    "E",
    "%2e",
    "%2f",
    "%5c",
    ";",
    "\\",
    "?",
    "é",
    "\u0000",
  );
  const hostile = string({ unit: bits, maxLength: 24 }).map((rest) => `/${rest}`);

  it("never throws, and is read to itself a second time", () => {
    assert(
      property(hostile, (raw) => {
        const reading = readPath(raw);
        if (!reading.ok) return true;
        const again = readPath(reading.path);
        return again.ok && again.path === reading.path;
      }),
      SEED,
    );
  });

  it("that is taken goes where Node's own URL parser would send it", () => {
    assert(
      property(hostile, (raw) => {
        const reading = readPath(raw);
        if (!reading.ok) return true;
        const { pathname } = new URL(`http://a.test${reading.path}`);
        return pathname === reading.path;
      }),
      SEED,
    );
  });

  it("that is taken holds no way up in any number of decodings", () => {
    assert(
      property(hostile, (raw) => {
        const reading = readPath(raw);
        if (!reading.ok) return true;
        let text = reading.path;
        for (let layer = 0; layer < 3; layer++) {
          if (text.split(/[/\\]/).some((segment) => segment === ".." || segment === ".")) return false;
          text = text.replace(/%([0-7][0-9a-f])/gi, (_all, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          );
        }
        return true;
      }),
      SEED,
    );
  });

  it("has one widest form", () => {
    expect(widenPath("/A%2Fb;x=1/C%3By//d")).toBe("/a/b/c/d");
  });
});
