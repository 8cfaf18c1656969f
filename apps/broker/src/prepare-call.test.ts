import { AgentId, type JsonValue, ToolName } from "@claws/contracts";
import { afterEach, describe, expect, it } from "vitest";
import { createPrepareCall } from "./prepare-call.ts";
import { digestOf } from "./parse/freeze-call.ts";
import { createFakeCatalogue } from "./testing/fake-catalogue.ts";
import { IMAGE_DIGEST } from "./testing/fake-mcp-server.ts";
import { MAIN, TEST_POLICY } from "./testing/test-policy.ts";

const catalogue = createFakeCatalogue();
const prepare = createPrepareCall(TEST_POLICY, catalogue);
const call = (tool: string, values: Record<string, JsonValue> = {}, identity = MAIN) =>
  prepare({ identity, tool: ToolName.parse(tool), arguments: values });

afterEach(() => catalogue.close());

describe("preparing a call", () => {
  it("freezes it together with everything that its digest stands for", async () => {
    const { prepared } = await call("mail__send", { to: "a" });
    expect(prepared.call).toEqual({
      ...MAIN,
      profile: "test",
      server: "mail",
      imageDigest: IMAGE_DIGEST,
      toolDefinitionHash: prepared.definition.hash,
      tool: "mail__send",
      arguments: { to: "a" },
      policyHash: TEST_POLICY.hash,
    });
    expect(prepared.digest).toBe(digestOf(prepared.call));
    expect(prepared.terms).toMatchObject({ risk: "HIGH", priceMicroUsd: 10_000 });
  });

  it("refuses a tool out of scope before any server is asked, whether it exists or not", async () => {
    const before = catalogue.servers["fs"]?.starts;
    await expect(call("fs__delete")).rejects.toMatchObject({ problem: { code: "tool_not_allowed" } });
    await expect(call("web__none")).rejects.toMatchObject({ problem: { code: "tool_not_allowed" } });
    expect(catalogue.servers["fs"]?.starts).toBe(before);
  });

  it("refuses a tool that the profile allows and no server offers", async () => {
    await expect(call("fs__none")).rejects.toMatchObject({ problem: { code: "tool_unknown" } });
  });

  it("refuses an agent that the profile does not know", async () => {
    const identity = { ...MAIN, agent: AgentId.parse("stranger") };
    await expect(call("fs__read_file", {}, identity)).rejects.toMatchObject({
      problem: { code: "agent_unknown" },
    });
  });
});
