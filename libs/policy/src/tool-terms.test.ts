import { type CompiledPolicy, MicroUsd, ToolName } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { readToolTerms } from "./tool-terms.ts";

type Rule = CompiledPolicy["tools"]["rules"][number];

function terms(tool: string, ...rules: Rule[]) {
  const scope = { allow: [], block: [] };
  return readToolTerms({ tools: { scope, rules, defaultRisk: "HIGH" } }, ToolName.parse(tool));
}

describe("the risk of a tool", () => {
  it.each([
    ["web__send_email", "HIGH", "well-known tool send_email"],
    ["x__execute_code", "CRITICAL", "well-known tool execute_code"],
    ["x__shell_command", "CRITICAL", "well-known tool shell_command"],
    ["x__file_delete", "HIGH", "well-known tool file_delete"],
    ["x__database_write", "MEDIUM", "well-known tool database_write"],
    ["x__database_delete", "CRITICAL", "well-known tool database_delete"],
    ["x__database_write2", "HIGH", "tools.defaultRisk"],
    ["x__read_file", "HIGH", "tools.defaultRisk"],
  ])("%s is %s by %s where the profile says nothing", (tool, risk, riskRule) => {
    expect(terms(tool)).toMatchObject({ risk, riskRule });
  });

  it("is what the first rule says that speaks of risk", () => {
    const rules: Rule[] = [
      { match: "x__*", deadlineMs: 1_000 },
      { match: "execute_code", risk: "LOW" },
      { match: "x__*", risk: "MEDIUM" },
    ];
    expect(terms("x__execute_code", ...rules)).toMatchObject({
      risk: "LOW",
      riskRule: "tools.rules[1] (execute_code)",
    });
    expect(terms("x__other", ...rules)).toMatchObject({ risk: "MEDIUM", riskRule: "tools.rules[2] (x__*)" });
    expect(terms("y__other", ...rules)).toMatchObject({ risk: "HIGH", riskRule: "tools.defaultRisk" });
  });
});

describe("price and deadline of a tool", () => {
  it("are nothing and 30 s where the profile says nothing", () => {
    expect(terms("x__a")).toMatchObject({ priceMicroUsd: 0, deadlineMs: 30_000, constraints: [] });
  });

  it("are each what the first rule says that speaks of it", () => {
    const price = (value: number) => MicroUsd.parse(value);
    const rules: Rule[] = [
      { match: "x__a", priceMicroUsd: price(5) },
      { match: "x__*", priceMicroUsd: price(7), deadlineMs: 2_000 },
    ];
    expect(terms("x__a", ...rules)).toMatchObject({ priceMicroUsd: 5, deadlineMs: 2_000 });
    expect(terms("x__b", ...rules)).toMatchObject({ priceMicroUsd: 7, deadlineMs: 2_000 });
  });
});

describe("the constraints of a tool", () => {
  it("are those of every matching rule together, each with its key", () => {
    const rules: Rule[] = [
      { match: "x__*", constraints: { path: { roots: ["/a"] } } },
      { match: "y__*", constraints: { path: { roots: ["/never"] } } },
      { match: "a", constraints: { path: { maxLength: 9 }, size: { maximum: 3 } } },
    ];
    expect(terms("x__a", ...rules).constraints).toEqual([
      { argument: "path", constraint: { roots: ["/a"] }, key: "tools.rules[0].constraints.path" },
      { argument: "path", constraint: { maxLength: 9 }, key: "tools.rules[2].constraints.path" },
      { argument: "size", constraint: { maximum: 3 }, key: "tools.rules[2].constraints.size" },
    ]);
  });
});
