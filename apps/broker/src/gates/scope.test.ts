import { AgentId, type ToolName } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import type { PreparedCall } from "../gate.ts";
import { createTestJourney, prepareTestCall } from "../testing/prepare-test-call.ts";
import { TEST_POLICY } from "../testing/test-policy.ts";
import { createScopeGate } from "./scope.ts";

const gate = createScopeGate(TEST_POLICY);
const base = prepareTestCall();
const callOf = (agent: string, tool: string): PreparedCall => ({
  ...base,
  call: { ...base.call, agent: AgentId.parse(agent), tool: tool as ToolName },
});

describe("the scope gate", () => {
  it.each([
    ["main", "fs__read_file"],
    ["main", "mail__send"],
    ["reader", "fs__read_file"],
  ])("lets %s call %s", (agent, tool) => {
    expect(gate.decide(callOf(agent, tool), createTestJourney())).toEqual({ verdict: "allow" });
  });

  it.each([
    ["main", "fs__delete", "tool_not_allowed", "tools.block"],
    ["main", "mail__burn", "tool_not_allowed", "tools.allow"],
    ["reader", "fs__write_file", "tool_not_allowed", "agents.reader.tools.allow"],
    ["stranger", "fs__read_file", "agent_unknown", "agents"],
  ])("keeps %s from %s", (agent, tool, code, key) => {
    expect(gate.decide(callOf(agent, tool), createTestJourney())).toMatchObject({
      verdict: "deny",
      problem: { code, key, service: "broker", detail: expect.stringContaining(tool) },
    });
  });
});
