import { AgentId, CompiledPolicy, ServerName } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import type { Caller } from "./caller.ts";
import { createCallerRules } from "./caller-rules.ts";
import { createAgentDoor, createServiceDoor } from "./doors.ts";
import { type EgressRequest, lookupIn } from "./read-request.ts";
import { policyWith } from "./testing/policy-with.ts";
import { SESSION } from "./testing/start-filter.ts";

function request(host: string, port: number, method = "CONNECT"): EgressRequest {
  return { host, port, method, headers: lookupIn([]), isChunked: false, isWebSocket: false };
}

const SERVER = { image: "x", args: [], mounts: [], environment: {}, memoryMb: 64 };

const policy = CompiledPolicy.parse(
  policyWith({
    egress: {
      mode: "allowlist",
      rules: [
        { action: "allow", host: "agent-only.test", port: 443, key: "egress.rules[0]" },
        { action: "deny", host: "api.model.test", port: 443, key: "egress.rules[1]" },
      ],
    },
    agents: {
      main: {},
      second: {
        egress: [
          { action: "allow", host: "second-only.test", port: 443, key: "agents.second.egress[0]" },
          { action: "allow", host: "api.model.test", port: 443, key: "agents.second.egress[1]" },
        ],
      },
    },
    servers: {
      web: {
        ...SERVER,
        egress: [
          { action: "allow", host: "server-only.test", port: 443, key: "servers.web.egress[0]" },
          { action: "allow", host: "api.model.test", port: 443, key: "servers.web.egress[1]" },
        ],
      },
      quiet: SERVER,
    },
    models: ["https://api.model.test/v1", "https://other.model.test:8443", "mock"],
  }),
);

const gateway: Caller = { kind: "service", service: "model-gateway" };
const agent = (name: string) => ({ kind: "agent", agent: AgentId.parse(name), session: SESSION }) as const;
const server = (name: string) =>
  ({ kind: "server", server: ServerName.parse(name), session: SESSION }) as const;

describe("the services' door", () => {
  const door = createServiceDoor({ rulesOf: createCallerRules(policy) });

  it.each([
    ["api.model.test", 443, "allow"],
    ["api.model.test", 80, "deny"],
    ["other.model.test", 8443, "allow"],
    ["other.model.test", 443, "deny"],
    ["model.test", 443, "deny"],
    ["agent-only.test", 443, "deny"],
    ["mock", 443, "deny"],
  ])("of %s:%i says %s, by the models alone", (host, port, outcome) => {
    expect(door.decide(gateway, request(host, port)).outcome).toBe(outcome);
  });

  it("carries tunnels only", () => {
    expect(door.decide(gateway, request("api.model.test", 443, "GET")).outcome).toBe("deny");
  });

  it("names the key of the models", () => {
    expect(door.decide(gateway, request("evil.test", 443))).toMatchObject({ key: "models" });
    expect(door.decide(gateway, request("api.model.test", 443))).toMatchObject({ key: "models[0].baseUrl" });
  });
});

describe("the agents' door", () => {
  const door = createAgentDoor({ rulesOf: createCallerRules(policy) });

  it.each([
    ["main", "agent-only.test", 443, "allow"],
    ["main", "other.model.test", 8443, "deny"],
    ["second", "second-only.test", 443, "allow"],
    ["second", "agent-only.test", 443, "deny"],
    ["second", "api.model.test", 443, "deny"],
    ["unknown", "agent-only.test", 443, "deny"],
  ])("lets agent %s to %s:%i: %s", (name, host, port, outcome) => {
    expect(door.decide(agent(name), request(host, port)).outcome).toBe(outcome);
  });

  it.each([
    ["web", "server-only.test", "allow"],
    ["web", "agent-only.test", "deny"],
    ["web", "api.model.test", "deny"],
    ["quiet", "server-only.test", "deny"],
    ["unknown", "server-only.test", "deny"],
  ])("lets server %s to %s: %s", (name, host, outcome) => {
    expect(door.decide(server(name), request(host, 443)).outcome).toBe(outcome);
  });

  it("says of a rule of a caller's own where it stands", () => {
    expect(door.decide(agent("second"), request("second-only.test", 443))).toMatchObject({
      key: "agents.second.egress[0]",
    });
    expect(door.advise(server("web"), "a.test:443")).toContain("servers.web.egress");
  });
});

describe("a yes for good", () => {
  it("keeps the place of the rule that asked: what stands before it comes first", () => {
    const asking = CompiledPolicy.parse(
      policyWith({
        egress: {
          mode: "allowlist",
          rules: [
            {
              action: "allow",
              host: "a.test",
              port: 443,
              methods: ["GET"],
              inspect: true,
              key: "egress.rules[0]",
            },
            { action: "ask", host: "a.test", port: 443, key: "egress.rules[1]" },
          ],
        },
      }),
    );
    const overlay = new Map([["agent:main", [{ host: "a.test", port: 443, key: "overlay.rules[0]" }]]]);
    const door = createAgentDoor({ rulesOf: createCallerRules(asking, overlay) });
    expect(door.decide(agent("main"), request("a.test", 443))).toMatchObject({ through: "inspect" });
  });
});
