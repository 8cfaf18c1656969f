import { AgentId, type CompiledPolicy, ToolName } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { decideToolScope } from "./tool-scope.ts";

const tools: CompiledPolicy["tools"] = {
  scope: { allow: ["fs__*", "search", "mail__send"], block: ["fs__delete", "execute_code"] },
  rules: [],
  defaultRisk: "HIGH",
};
const policy = {
  profile: "test",
  tools,
  agents: {
    [AgentId.parse("main")]: {},
    [AgentId.parse("reader")]: { tools: { allow: ["fs__read_*", "web__fetch"], block: ["fs__read_key"] } },
    [AgentId.parse("nothing")]: { tools: { allow: [], block: [] } },
  },
};
const decide = (agent: string, tool: string) =>
  decideToolScope(policy, AgentId.parse(agent), ToolName.parse(tool));

describe("the scope of an agent", () => {
  it.each([
    ["main", "fs__read_file", "tools.allow fs__*"],
    ["main", "web__search", "tools.allow search"],
    ["main", "mail__send", "tools.allow mail__send"],
    ["reader", "fs__read_file", "agents.reader.tools.allow fs__read_*"],
  ])("lets %s use %s by the rule that says so", (agent, tool, rule) => {
    expect(decide(agent, tool)).toEqual({ allowed: true, rule });
  });

  it.each([
    ["main", "mail__send_all", "tools.allow"],
    ["main", "web__research", "tools.allow"],
    ["main", "fs__delete", "tools.block"],
    ["main", "fs__execute_code", "tools.block"],
    ["reader", "fs__write_file", "agents.reader.tools.allow"],
    ["reader", "fs__read_key", "agents.reader.tools.block"],
    ["reader", "web__fetch", "tools.allow"],
    ["reader", "fs__delete", "tools.block"],
    ["nothing", "fs__read_file", "agents.nothing.tools.allow"],
  ])("keeps %s from %s and names the key: %s", (agent, tool, key) => {
    expect(decide(agent, tool)).toMatchObject({
      allowed: false,
      code: "tool_not_allowed",
      key,
      reason: expect.stringContaining(key),
    });
  });

  it.each(["stranger", "constructor", "mai", "main2"])("knows no agent %s", (agent) => {
    expect(decide(agent, "fs__read_file")).toMatchObject({
      allowed: false,
      code: "agent_unknown",
      key: "agents",
    });
  });
});
