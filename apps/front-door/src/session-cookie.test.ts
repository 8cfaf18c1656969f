import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  createSessionValue,
  createSetCookie,
  readSession,
  SESSION_LIFETIME_MS,
  splitCookies,
} from "./session-cookie.ts";

const key = randomBytes(32);
const NOW = 1_800_000_000_000;
const value = createSessionValue(key, NOW);

describe("a session is good for 12 hours and not before it began", () => {
  test.each([
    [-1, false],
    [0, true],
    [SESSION_LIFETIME_MS - 1, true],
    [SESSION_LIFETIME_MS, false],
  ])("after %i ms: %s", (age, good) => {
    expect(readSession(key, value, NOW + age) !== undefined).toBe(good);
  });
});

test("changing any one character makes a session void", () => {
  for (let at = 0; at < value.length; at += 1) {
    for (const replacement of ["A", "B", "_", "."]) {
      if (value[at] === replacement) continue;
      const changed = value.slice(0, at) + replacement + value.slice(at + 1);
      expect(readSession(key, changed, NOW), `${at} ${replacement}`).toBeUndefined();
    }
  }
});

test.each(["", ".", "a.b", `${value}A`, value.slice(0, -1), `${value}.${value}`, value.split(".")[0] ?? ""])(
  "%j is no session",
  (text) => {
    expect(readSession(key, text, NOW)).toBeUndefined();
  },
);

test("another stack's key makes no session here", () => {
  expect(readSession(randomBytes(32), value, NOW)).toBeUndefined();
});

test("the cookie is for this site alone and out of reach of scripts", () => {
  expect(createSetCookie("v")).toBe("claws_session=v; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
  expect(createSetCookie("")).toContain("Max-Age=0");
});

describe("our cookies are told from others", () => {
  test.each([
    [undefined, [], undefined],
    ["claws_session=a", ["a"], undefined],
    ["theme=dark; claws_session=a; b=c", ["a"], "theme=dark; b=c"],
    ["claws_session=a;claws_session=b", ["a", "b"], undefined],
    ["xclaws_session=a", [], "xclaws_session=a"],
  ])("%j", (header, ours, rest) => {
    expect(splitCookies(header)).toEqual({ ours, rest });
  });
});
