import { MicroUsd } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { type CallEnding, decideSettlement } from "./settle-call.ts";

const model = {
  name: "m",
  inputMicroUsdPerMillion: MicroUsd.parse(1_000_000),
  outputMicroUsdPerMillion: MicroUsd.parse(2_000_000),
};
const usage = { inputTokens: 10, outputTokens: 5 };

describe("decideSettlement", () => {
  it.each<[string, CallEnding, object]>([
    ["nothing sent", { kind: "unsent", code: "x" }, { outcome: "release" }],
    ["refused by the provider", { kind: "rejected", code: "x" }, { outcome: "commit", actualMicroUsd: 0 }],
    ["answered and counted", { kind: "answered", usage }, { outcome: "commit", actualMicroUsd: 20 }],
    [
      "answered, not counted",
      { kind: "answered", usage: undefined },
      { outcome: "commit", actualMicroUsd: 99 },
    ],
    ["broken off", { kind: "failed", code: "x" }, { outcome: "commit", actualMicroUsd: 99 }],
    [
      "broken off behind the count",
      { kind: "failed", code: "x", usage },
      { outcome: "commit", actualMicroUsd: 20 },
    ],
  ])("%s", (_claim, ending, settlement) =>
    expect(decideSettlement(ending, model, MicroUsd.parse(99))).toEqual(settlement),
  );
});
