import { AgentId, CompiledPolicy } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createAgentDoor, createServiceDoor } from "./doors.ts";
import type { EgressRequest } from "./read-request.ts";
import { policyWith } from "./testing/policy-with.ts";

function request(host: string, port: number, method = "CONNECT"): EgressRequest {
  return { host, port, method, isChunked: false };
}

const policy = CompiledPolicy.parse(
  policyWith({
    egress: {
      mode: "allowlist",
      rules: [
        { action: "allow", host: "agent-only.test", port: 443, key: "egress.rules[0]" },
        { action: "deny", host: "api.model.test", port: 443, key: "egress.rules[1]" },
      ],
    },
    models: ["https://api.model.test/v1", "https://other.model.test:8443", "mock"],
  }),
);

describe("the services' door", () => {
  const door = createServiceDoor(policy);

  it.each([
    ["api.model.test", 443, "allow"],
    ["api.model.test", 80, "deny"],
    ["other.model.test", 8443, "allow"],
    ["other.model.test", 443, "deny"],
    ["model.test", 443, "deny"],
    ["agent-only.test", 443, "deny"],
    ["mock", 443, "deny"],
  ])("of %s:%i says %s, by the models alone", (host, port, outcome) => {
    expect(door.decide(request(host, port)).outcome).toBe(outcome);
  });

  it("carries tunnels only", () => {
    expect(door.decide(request("api.model.test", 443, "GET")).outcome).toBe("deny");
  });

  it("names the key of the models", () => {
    expect(door.decide(request("evil.test", 443))).toMatchObject({ key: "models" });
    expect(door.decide(request("api.model.test", 443))).toMatchObject({ key: "models[0].baseUrl" });
  });
});

describe("the agents' door", () => {
  it("knows nothing of the models", () => {
    const door = createAgentDoor(policy, AgentId.parse("main"));
    expect(door.decide(request("agent-only.test", 443)).outcome).toBe("allow");
    expect(door.decide(request("other.model.test", 8443)).outcome).toBe("deny");
  });
});
