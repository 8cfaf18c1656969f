import { MicroUsd } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { computeCost, estimateCost } from "./price.ts";

const model = (input: number, output: number) => ({
  name: "m",
  inputMicroUsdPerMillion: MicroUsd.parse(input),
  outputMicroUsdPerMillion: MicroUsd.parse(output),
});

describe("computeCost", () => {
  it.each([
    [3_000_000, 15_000_000, 10, 5, 105],
    [3_000_000, 15_000_000, 0, 0, 0],
    [1, 0, 1, 0, 1],
    [1, 0, 1_000_000, 0, 1],
    [1, 0, 1_000_001, 0, 2],
    // Beyond what a float could multiply exactly.
    [999_999_999_999, 0, 999_999_999, 0, 999_999_998_999_001],
  ])(
    "prices %d/%d per million for %d in and %d out come to %d",
    (pin, pout, inputTokens, outputTokens, cost) =>
      expect(computeCost(model(pin, pout), { inputTokens, outputTokens })).toBe(cost),
  );

  it("refuses an amount beyond exact integers", () => {
    const usage = { inputTokens: Number.MAX_SAFE_INTEGER, outputTokens: 0 };
    expect(() => computeCost(model(Number.MAX_SAFE_INTEGER, 0), usage)).toThrow();
  });
});

describe("estimateCost", () => {
  it.each([
    [3, 0, 1],
    [4, 0, 2],
    [0, 7, 70],
  ])("%d bytes and at most %d tokens out come to %d", (bytes, tokens, cost) =>
    expect(estimateCost(model(1_000_000, 10_000_000), bytes, tokens)).toBe(cost),
  );
});
