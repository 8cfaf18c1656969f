import { describe, expect, it } from "vitest";
import { formatTimeLeft } from "./time-left.ts";

describe("formatTimeLeft", () => {
  it.each([
    [-1, "expired"],
    [0, "expired"],
    [1, "1 s left"],
    [59_000, "59 s left"],
    [59_001, "1 min left"],
    [61_000, "1 min 1 s left"],
    [300_000, "5 min left"],
    [3_599_000, "59 min 59 s left"],
    [3_600_000, "1 h 0 min left"],
    [86_400_000, "24 h 0 min left"],
  ])("%i ms reads %s", (milliseconds, expected) => expect(formatTimeLeft(milliseconds)).toBe(expected));
});
