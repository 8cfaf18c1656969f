import { readFileSync } from "node:fs";
import { assert, constantFrom, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { agentNetworkOf, BRIDGE_PREFIX, bridgeName, DEFAULT_PROJECT } from "./project-networks.ts";

describe("the name of a bridge", () => {
  it.each([
    ["claws", "agt", "clw-083f7d-agt"],
    ["claws-e2e", "agt", "clw-acd6db-agt"],
    ["claws", "t001", "clw-083f7d-t001"],
  ])("of %s, %s is %s", (project, suffix, name) => expect(bridgeName(project, suffix)).toBe(name));

  it("begins with the prefix, fits the kernel, and is one word, whatever the project is called", () => {
    assert(
      property(string({ unit: "binary" }), constantFrom("agt", "t001", "z", "0000"), (project, suffix) => {
        const name = bridgeName(project, suffix);
        expect(name.startsWith(BRIDGE_PREFIX)).toBe(true);
        expect(name).toMatch(/^clw-[0-9a-f]{6}-[a-z0-9]{1,4}$/);
        expect(name.length).toBeLessThanOrEqual(15);
      }),
      { seed: 12 },
    );
  });

  it.each(["", "agent", "a b", "A", "a/b", "+", "agt\n"])("is refused for the suffix %j", (suffix) => {
    expect(() => bridgeName("claws", suffix)).toThrow(RangeError);
  });
});

describe("the agents' network of a project", () => {
  it("is what docker-compose.yml says, for the default one", () => {
    const compose = readFileSync(new URL("../../../docker-compose.yml", import.meta.url), "utf8");
    const { prefix, bridge } = agentNetworkOf(DEFAULT_PROJECT);
    expect(compose).toContain(`\${CLAWS_AGENT_NET:-${prefix}}.0/24`);
    expect(compose).toContain(`\${CLAWS_AGENT_BRIDGE:-${bridge}}`);
  });

  it("is another one for every project of ours", () => {
    const projects = [DEFAULT_PROJECT, "claws-e2e", "claws-tour", "claws-bench", "claws-day-one", "claws-ui"];
    const prefixes = projects.map((project) => agentNetworkOf(project).prefix);
    expect(new Set(prefixes).size).toBe(projects.length);
    for (const prefix of prefixes) expect(prefix).toMatch(/^10\.213\.\d{1,3}$/);
  });
});
