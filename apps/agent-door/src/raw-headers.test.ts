import { array, assert, constantFrom, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { formatHead, withCredential } from "./raw-headers.ts";

describe("withCredential", () => {
  it.each([
    [
      ["Host", "a"],
      ["Host", "a", "Proxy-Authorization", "C"],
    ],
    [
      ["PROXY-authorization", "mine", "hOST", "a", "Proxy-Authorization", "again", "X", ""],
      ["hOST", "a", "X", "", "Proxy-Authorization", "C"],
    ],
    [[], ["Proxy-Authorization", "C"]],
  ])("makes of %j: %j", (raw, expected) => expect(withCredential(raw, "C")).toEqual(expected));

  it("keeps every other field, in its order and spelling, and sends one credential", () => {
    const name = constantFrom(
      "Host",
      "host",
      "X-A",
      "x-a",
      "Cookie",
      "Proxy-Authorization",
      "proxy-authorization",
    );
    assert(
      property(array(tuple(name, constantFrom("1", "2", "")), { maxLength: 12 }), (fields) => {
        const others = fields.filter(([field]) => field.toLowerCase() !== "proxy-authorization");
        expect(withCredential(fields.flat(), "C")).toEqual([...others.flat(), "Proxy-Authorization", "C"]);
      }),
      { seed: 5 },
    );
  });
});

it("a head is written as it was read", () => {
  expect(formatHead("CONNECT a:1 HTTP/1.1", ["Host", "a:1", "X", ""])).toBe(
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nX: \r\n\r\n",
  );
});
