import { assert, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { readUsd } from "./money.ts";

describe("US dollars", () => {
  it.each([
    ["10", 10_000_000],
    ["10.00", 10_000_000],
    ["0.01", 10_000],
    ["0.000001", 1],
    ["0", 0],
    ["0.1", 100_000],
    ["999999999.999999", 999_999_999_999_999],
  ])("%s are %i micro-USD", (text, micro) => expect(readUsd(text)).toBe(micro));

  it.each([
    "0.0000001",
    "0.0000010",
    "1000000000",
    "-1",
    "+1",
    "1.",
    ".5",
    "1,5",
    "1e3",
    "1_000",
    " 1",
    "1 ",
    "1\n",
    "$1",
    "0x1",
    "NaN",
    "Infinity",
    "",
    "١",
  ])("are not %j", (text) => expect(readUsd(text)).toBeUndefined());

  it("are read exactly, whatever a float would make of them", () => {
    assert(
      property(integer({ min: 0, max: 999_999_999 }), integer({ min: 0, max: 999_999 }), (whole, micro) => {
        const text = `${whole}.${String(micro).padStart(6, "0")}`;
        expect(readUsd(text)).toBe(Number(BigInt(whole) * 1_000_000n + BigInt(micro)));
      }),
    );
  });
});
