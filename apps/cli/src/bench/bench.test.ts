import { describe, expect, it } from "vitest";
import { createReport, medianOf, round } from "./bench.ts";

describe("the median", () => {
  it.each([
    [[3], 3],
    [[1, 2], 1.5],
    [[10, 2, 33], 10],
    [[4, 1, 3, 2], 2.5],
    [[2, 10, 9], 9],
    [[-1, -10, 5], -1],
    [[1, 1, 1, 100], 1],
  ])("of %j is %d", (values, expected) => expect(medianOf(values)).toBe(expected));

  it("of nothing is not a number", () => expect(medianOf([])).toBeNaN());

  it("leaves the values in their order", () => {
    const values = [3, 1, 2];
    medianOf(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("a figure", () => {
  it.each([
    [1.005, 2, 1],
    [1.006, 2, 1.01],
    [12.34, 1, 12.3],
    [0.000_1, 2, 0],
  ])("%d with %i digits is %d", (value, digits, expected) => expect(round(value, digits)).toBe(expected));
});

describe("a report", () => {
  it("says on which machine it was measured", () => {
    expect(createReport("footprint", [])).toMatchObject({
      bench: "footprint",
      machine: { cpus: expect.any(Number), memoryGb: expect.any(Number), node: process.version },
      figures: [],
    });
  });
});
