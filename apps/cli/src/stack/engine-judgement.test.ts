import { assert, nat, property, string, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { type EngineFacts, isLoopback, judgeEngine, type WalledNetwork } from "./engine-judgement.ts";

const walled: WalledNetwork = {
  name: "agent",
  internal: true,
  inhibitsIpv4: true,
  enablesIpv6: false,
  isolatesGateway: false,
};

const closed: EngineFacts = {
  version: "28.5.2",
  osType: "linux",
  resolverIsLoopback: true,
  networks: [walled],
  services: [{ name: "agent", dns: ["10.99.0.2"] }],
  resolverAddresses: ["10.99.0.2"],
};

const codeOf = (facts: EngineFacts): string => {
  const judgement = judgeEngine(facts);
  if (judgement.verdict === "refuse") return judgement.code;
  return judgement.verdict === "warn" ? judgement.warnings.map(({ code }) => code).join() : "ok";
};
const withDns = (dns: readonly string[]): Pick<EngineFacts, "services"> => ({
  services: [{ name: "agent", dns }],
});

const LAN = "engine_publishes_to_lan";
const LEAK = "engine_leaks_dns";
const BROKEN = "engine_dns_broken";
const UNKNOWN = "engine_version_unknown";

describe("an engine", () => {
  // With the settings as they should be | with the host's name servers, on a loopback address | the same, elsewhere.
  it.each([
    ["19.03.15", LAN, LEAK, LAN],
    ["20.10.24+dfsg1", LAN, LEAK, LAN],
    ["23.0.10", LAN, LEAK, LAN],
    ["23.0.11", LAN, LAN, LAN],
    ["24.0.9", LAN, LEAK, LAN],
    ["24.0.7-0ubuntu4.1", LAN, LEAK, LAN],
    ["25.0.0", LAN, LEAK, LAN],
    ["25.0.3", LAN, LEAK, LAN],
    ["25.0.4", LAN, LAN, LAN],
    ["25.0.13", LAN, LAN, LAN],
    ["26.0.0", BROKEN, BROKEN, BROKEN],
    ["26.1.2", BROKEN, BROKEN, BROKEN],
    ["26.1.3", LAN, LAN, LAN],
    ["26.1.5+dfsg1", LAN, LAN, LAN],
    ["27.5.1", LAN, LAN, LAN],
    ["28.0.0", "ok", "ok", "ok"],
    ["v28.5.2", "ok", "ok", "ok"],
    ["29.0.0-rc.1", "ok", "ok", "ok"],
    ["100.0.0", "ok", "ok", "ok"],
    ["dev", UNKNOWN, UNKNOWN, UNKNOWN],
    ["", UNKNOWN, UNKNOWN, UNKNOWN],
    ["28", UNKNOWN, UNKNOWN, UNKNOWN],
    ["28.5.2.1", UNKNOWN, UNKNOWN, UNKNOWN],
    ["x28.5.2", UNKNOWN, UNKNOWN, UNKNOWN],
    ["99999.0.0", UNKNOWN, UNKNOWN, UNKNOWN],
  ])("%s: %s, %s, %s", (version, asItShouldBe, loopback, elsewhere) => {
    expect(codeOf({ ...closed, version })).toBe(asItShouldBe);
    expect(codeOf({ ...closed, version, ...withDns([]) })).toBe(loopback);
    expect(codeOf({ ...closed, version, ...withDns([]), resolverIsLoopback: false })).toBe(elsewhere);
  });

  it("that runs Windows containers is refused, and one that does not say is judged by the rest", () => {
    expect(codeOf({ ...closed, osType: "windows" })).toBe("engine_not_linux");
    expect(codeOf({ ...closed, osType: undefined })).toBe("ok");
  });

  it("below 28 never passes in silence, and no version throws", () => {
    assert(
      property(tuple(nat(40), nat(20), nat(30)), string(), ([major, minor, patch], suffix) => {
        const judgement = judgeEngine({ ...closed, version: `${major}.${minor}.${patch}${suffix}` });
        if (major < 28) expect(judgement.verdict).not.toBe("ok");
      }),
      { seed: 12 },
    );
  });
});

describe("the name servers of an agent, where the engine would ask the host's for it,", () => {
  it.each([
    [["127.0.0.1"], LAN],
    [["10.99.0.2"], LAN],
    [["127.0.0.1", "10.99.0.2"], LAN],
    [["::1"], LAN],
    [[], LEAK],
    [["10.99.0.3"], LEAK],
    [["10.99.0.2", "198.51.100.1"], LEAK],
    [["127.0.0.1.example"], LEAK],
  ])("%j: %s", (dns, expected) => {
    expect(codeOf({ ...closed, version: "20.10.24+dfsg1", ...withDns(dns) })).toBe(expected);
  });

  it("are looked at for each agent; one without a network asks nobody", () => {
    const second = (more: { networkMode?: string }): EngineFacts => ({
      ...closed,
      version: "24.0.9",
      services: [...closed.services, { name: "agent-two", dns: [], ...more }],
    });
    expect(judgeEngine(second({}))).toMatchObject({
      code: LEAK,
      cure: "use Engine 26.1.3 or newer, or set dns of agent-two to the address of egress-filter",
    });
    expect(codeOf(second({ networkMode: "none" }))).toBe(LAN);
  });
});

describe("the networks of an agent", () => {
  it.each([
    [{ internal: false }, "network_not_internal"],
    [{ inhibitsIpv4: false }, "host_reachable"],
    [{ enablesIpv6: true }, "host_reachable_ipv6"],
  ])("with %j are refused on every engine: %s", (lost, code) => {
    for (const version of ["20.10.24+dfsg1", "25.0.13", "27.5.1", "28.5.2"]) {
      expect(codeOf({ ...closed, version, networks: [walled, { ...walled, ...lost }] })).toBe(code);
    }
  });

  it.each([
    ["26.1.5+dfsg1", LAN],
    ["27.0.0", "gateway_mode_unknown"],
    ["27.5.1", "gateway_mode_unknown"],
    ["28.0.0", "ok"],
  ])("with an isolated gateway, on %s: %s", (version, code) => {
    expect(codeOf({ ...closed, version, networks: [{ ...walled, isolatesGateway: true }] })).toBe(code);
  });

  it.each(["host", "bridge", "service:egress-filter", "container:x"])("may not be %s", (networkMode) => {
    expect(codeOf({ ...closed, services: [{ name: "agent", dns: [], networkMode }] })).toBe(
      "agent_network_mode",
    );
  });
});

describe("a loopback address", () => {
  it.each([
    ["127.0.0.1", true],
    ["127.0.0.53", true],
    ["127.255.255.254", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["128.0.0.1", false],
    ["127.0.0", false],
    ["::2", false],
    ["", false],
    ["127.0.0.1\n198.51.100.1", false],
  ])("%j: %s", (address, expected) => expect(isLoopback(address)).toBe(expected));
});
