import type { JsonValue } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createTestJourney, prepareTestCall } from "../testing/prepare-test-call.ts";
import { createArgumentsGate } from "./arguments.ts";

const inputSchema = { properties: { path: { type: "string" } }, required: ["path"] };
const decide = (values: Record<string, JsonValue>) =>
  createArgumentsGate().decide(
    prepareTestCall({ tool: "fs__read_file", values, inputSchema }),
    createTestJourney(),
  );

describe("the arguments gate", () => {
  it("passes what fits the tool's schema and the profile's constraints", () => {
    expect(decide({ path: "/workspace/a" })).toEqual({ verdict: "allow" });
  });

  it.each([[{}], [{ path: 7 }]])("refuses what does not fit the schema: %j", (values) => {
    expect(decide(values)).toMatchObject({ verdict: "deny", problem: { code: "arguments_invalid" } });
  });

  it("refuses what breaks a constraint, and names the argument and the key", () => {
    expect(decide({ path: "/workspace/../etc/passwd" })).toMatchObject({
      verdict: "deny",
      problem: {
        code: "constraint_violated",
        key: "tools.rules[0].constraints.path",
        detail: "fs__read_file: path must be an absolute path inside /workspace",
      },
    });
  });
});
