import { AgentId, MicroUsd, type ToolRule } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { decideLimits } from "./decide-limits.ts";

const agent = AgentId.parse("main");
const rule = (match: string, callsPerMinute?: number): ToolRule => ({
  match,
  ...(callsPerMinute === undefined ? {} : { callsPerMinute }),
});

function keysOf(rules: readonly ToolRule[], kind: "tool" | "model", subject: string) {
  const policy = {
    limits: {
      callsPerMinute: 30,
      costPerSessionMicroUsd: MicroUsd.parse(10),
      costPerDayMicroUsd: MicroUsd.parse(20),
      tokensPerRequest: 100,
    },
    tools: { scope: { allow: [], block: [] }, rules: [...rules], defaultRisk: "HIGH" as const },
  };
  return decideLimits(policy, { agent, kind, subject }).rates.map(({ key, limit }) => `${key}=${limit}`);
}

describe("decideLimits", () => {
  const always = "limits.callsPerMinute=30";
  it.each([
    ["no rule", [], "tool", "fs__read", [always]],
    [
      "a rule that matches",
      [rule("fs__*", 5)],
      "tool",
      "fs__read",
      [always, "tools.rules[0].callsPerMinute=5"],
    ],
    ["a rule of another server", [rule("git__*", 5)], "tool", "fs__read", [always]],
    ["a rule without a rate", [rule("fs__*")], "tool", "fs__read", [always]],
    ["a model of a tool's name", [rule("*", 5)], "model", "fs__read", [always]],
    [
      "two that match: the tightest first",
      [rule("fs__*", 9), rule("*", 20), rule("fs__read", 2)],
      "tool",
      "fs__read",
      [
        always,
        "tools.rules[2].callsPerMinute=2",
        "tools.rules[0].callsPerMinute=9",
        "tools.rules[1].callsPerMinute=20",
      ],
    ],
    [
      "the same match twice: one counter, the tighter rule",
      [rule("fs__*", 9), rule("fs__*", 3)],
      "tool",
      "fs__read",
      [always, "tools.rules[1].callsPerMinute=3"],
    ],
  ] as const)("%s", (_name, rules, kind, subject, expected) => {
    expect(keysOf(rules, kind, subject)).toEqual(expected);
  });
});
