import { AgentId, ToolName } from "@claws/contracts";
import { decideToolScope } from "@claws/policy";
import { describe, expect, it } from "vitest";
import { createListTools } from "./list-tools.ts";
import { createFakeCatalogue } from "./testing/fake-catalogue.ts";
import { createFakeMcpServer, declare } from "./testing/fake-mcp-server.ts";
import { MAIN, READER, TEST_POLICY } from "./testing/test-policy.ts";

describe("the list of tools", () => {
  it.each([
    [MAIN.agent, ["fs__read_file", "fs__write_file", "mail__echo", "mail__send"]],
    [READER.agent, ["fs__read_file"]],
  ])("is for %s what calls are judged by", async (agent, expected) => {
    const catalogue = createFakeCatalogue();
    const listed = (await createListTools(TEST_POLICY, catalogue)(agent)).map(({ name }) => name);
    expect(listed).toEqual(expected);
    const permitted = (await catalogue.list(agent)).filter(
      ({ name }) => decideToolScope(TEST_POLICY, agent, name).allowed,
    );
    expect(permitted.map(({ name }) => name)).toEqual(listed);
    await catalogue.close();
  });

  it("is empty for an agent that the profile does not know, and starts nothing for it", async () => {
    const catalogue = createFakeCatalogue();
    expect(await createListTools(TEST_POLICY, catalogue)(AgentId.parse("stranger"))).toEqual([]);
    expect(catalogue.servers["fs"]?.starts).toBe(0);
  });

  it("shows what the server declares, but no _meta, and no output schema of a tool that may be held", async () => {
    const catalogue = createFakeCatalogue();
    const more = { title: "A title", _meta: { x: 1 }, outputSchema: { type: "object" } };
    const mail = createFakeMcpServer(declare("send", "echo").map((tool) => ({ ...tool, ...more })));
    Object.assign(catalogue.servers, { mail });
    const tools = await createListTools(TEST_POLICY, catalogue)(MAIN.agent);
    const find = (name: string) => tools.find((tool) => tool.name === ToolName.parse(name));
    expect(find("mail__echo")).toEqual({
      name: "mail__echo",
      title: "A title",
      description: "the tool echo",
      inputSchema: { type: "object" },
      outputSchema: { type: "object" },
    });
    expect(find("mail__send")).not.toHaveProperty("outputSchema");
    await catalogue.close();
  });

  it("is what can be listed when a server does not start", async () => {
    const catalogue = createFakeCatalogue();
    const broken = createFakeMcpServer(declare("send"));
    broken.respondsToLists = false;
    Object.assign(catalogue.servers, { mail: broken });
    const names = (await createListTools(TEST_POLICY, catalogue)(MAIN.agent)).map(({ name }) => name);
    expect(names).toEqual(["fs__read_file", "fs__write_file"]);
    await catalogue.close();
  });
});
