import { describe, expect, it } from "vitest";
import { readMergedConfig } from "./merged-config.ts";

const bridge = "com.docker.network.bridge";

describe("the merged Compose files", () => {
  it("say what an agent is on, and where its resolver is", () => {
    const json = JSON.stringify({
      name: "claws",
      services: {
        agent: { dns: ["10.99.0.2"], networks: { agent: null } },
        "egress-filter": {
          networks: { agent: { ipv4_address: "10.99.0.2" }, internet: { ipv4_address: "10.1.0.2" } },
        },
        redis: { dns: ["127.0.0.1"], networks: { state: null } },
      },
      networks: {
        agent: { internal: true, driver_opts: { [`${bridge}.inhibit_ipv4`]: "true" }, ipam: {} },
        internet: { ipam: {} },
        state: { internal: true },
      },
    });
    expect(readMergedConfig(json)).toEqual({
      services: [{ name: "agent", dns: ["10.99.0.2"] }],
      networks: [
        { name: "agent", internal: true, inhibitsIpv4: true, enablesIpv6: false, isolatesGateway: false },
      ],
      resolverAddresses: ["10.99.0.2"],
    });
  });

  it("bring every network to light that an agent was given, and those of MCP servers", () => {
    const json = JSON.stringify({
      services: {
        agent: { dns: "127.0.0.1", networks: { agent: {}, extra: null, elsewhere: null } },
        "agent-two": { network_mode: "host" },
      },
      networks: {
        agent: { internal: true, driver_opts: { [`${bridge}.inhibit_ipv4`]: "false" } },
        extra: { enable_ipv6: true, driver_opts: { [`${bridge}.gateway_mode_ipv6`]: "isolated" } },
        elsewhere: { name: "elsewhere", external: true },
        "tool-search": { internal: true, driver_opts: { [`${bridge}.inhibit_ipv4`]: true } },
        control: {},
      },
    });
    const { networks, services, resolverAddresses } = readMergedConfig(json);
    expect(networks).toEqual([
      { name: "agent", internal: true, inhibitsIpv4: false, enablesIpv6: false, isolatesGateway: false },
      { name: "tool-search", internal: true, inhibitsIpv4: true, enablesIpv6: false, isolatesGateway: false },
      { name: "extra", internal: false, inhibitsIpv4: false, enablesIpv6: true, isolatesGateway: true },
      { name: "elsewhere", internal: false, inhibitsIpv4: false, enablesIpv6: false, isolatesGateway: false },
    ]);
    expect(services).toEqual([
      { name: "agent", dns: ["127.0.0.1"] },
      { name: "agent-two", dns: [], networkMode: "host" },
    ]);
    expect(resolverAddresses).toEqual([]);
  });

  it.each([
    "{}",
    "null",
    '{"services":{"agent":{"dns":1}}}',
    '{"services":{"agent":{"networks":["agent"]}}}',
    "{",
  ])("that cannot be understood are no settings: %s", (json) =>
    expect(() => readMergedConfig(json)).toThrow(),
  );
});
