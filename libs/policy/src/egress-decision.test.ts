import type { EgressRule } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { decideEgress } from "./egress-decision.ts";

/** Rules by hand, as the compiler numbers them. */
function rules(...given: Omit<EgressRule, "key">[]): EgressRule[] {
  return given.map((rule, index) => ({ ...rule, key: `egress.rules[${index}]` }));
}

const RULES = rules(
  { action: "allow", host: "allowed.test", port: 443 },
  { action: "allow", host: "**.wild.test", port: 443 },
  { action: "allow", host: "api.test", port: 80, methods: ["GET", "HEAD"] },
  { action: "allow", host: "both.test", port: 443, methods: ["CONNECT"] },
  { action: "allow", host: "lan.test", port: 443, addresses: ["10.1.0.0/16"] },
  { action: "allow", host: "mock-api", port: 80 },
  { action: "allow", host: "93.184.216.34", port: 443 },
  { action: "deny", host: "secret.wild.test", port: 443 },
);

const NO_MATCH = "no rule matched";

describe("the rules of an allowlist", () => {
  it.each([
    ["CONNECT", "allowed.test", 443, "allow", "an allow rule matched", "egress.rules[0]"],
    ["CONNECT", "allowed.test", 444, "deny", NO_MATCH, "egress.rules"],
    ["CONNECT", "allowed.test", 442, "deny", NO_MATCH, "egress.rules"],
    ["CONNECT", "allowed.test.evil.test", 443, "deny", NO_MATCH, "egress.rules"],
    ["CONNECT", "evil.test", 443, "deny", NO_MATCH, "egress.rules"],
    ["CONNECT", "a.b.wild.test", 443, "allow", "an allow rule matched", "egress.rules[1]"],
    ["CONNECT", "wild.test", 443, "deny", NO_MATCH, "egress.rules"],
    ["CONNECT", "secret.wild.test", 443, "deny", "a deny rule matched", "egress.rules[7]"],
    ["GET", "api.test", 80, "allow", "an allow rule matched", "egress.rules[2]"],
    ["POST", "api.test", 80, "deny", NO_MATCH, "egress.rules"],
    ["CONNECT", "api.test", 80, "deny", NO_MATCH, "egress.rules"],
    ["CONNECT", "both.test", 443, "allow", "an allow rule matched", "egress.rules[3]"],
    ["GET", "both.test", 443, "deny", NO_MATCH, "egress.rules"],
    ["GET", "mock-api", 80, "allow", "an allow rule matched", "egress.rules[5]"],
    ["GET", "redis", 80, "deny", NO_MATCH, "egress.rules"],
    ["CONNECT", "93.184.216.34", 443, "allow", "an allow rule matched", "egress.rules[6]"],
    ["CONNECT", "93.184.216.35", 443, "deny", NO_MATCH, "egress.rules"],
  ])("say of %s %s:%i: %s", (method, host, port, outcome, reason, key) => {
    const decision = decideEgress({ mode: "allowlist", rules: RULES }, { host, port, method });
    expect(decision).toMatchObject({ outcome, key, reason: expect.stringContaining(reason) });
  });

  it("give the text of the rule that decided", () => {
    const policy = { mode: "allowlist" as const, rules: RULES };
    expect(decideEgress(policy, { host: "api.test", port: 80, method: "GET" })).toMatchObject({
      rule: "allow api.test:80 for GET, HEAD",
    });
    expect(decideEgress(policy, { host: "secret.wild.test", port: 443, method: "CONNECT" })).toMatchObject({
      rule: "deny secret.wild.test:443",
    });
  });

  it("say what is missing when only the method or the port does not fit", () => {
    const policy = { mode: "allowlist" as const, rules: RULES };
    expect(decideEgress(policy, { host: "api.test", port: 80, method: "POST" })).toMatchObject({
      reason: "no rule matched: none for this host allows POST on port 80",
    });
  });

  it("grant the addresses of the first allow rule that matches and of no other", () => {
    const policy = { mode: "allowlist" as const, rules: RULES };
    expect(decideEgress(policy, { host: "lan.test", port: 443, method: "CONNECT" })).toMatchObject({
      addresses: ["10.1.0.0/16"],
    });
    expect(decideEgress(policy, { host: "allowed.test", port: 443, method: "CONNECT" })).toMatchObject({
      addresses: [],
    });
  });

  it("deny everything when there are none", () => {
    const decision = decideEgress(
      { mode: "allowlist", rules: [] },
      { host: "allowed.test", port: 443, method: "CONNECT" },
    );
    expect(decision).toEqual({ outcome: "deny", reason: NO_MATCH, key: "egress.rules" });
  });

  it("deny everything when one of them cannot be read, since it may be a deny rule", () => {
    const broken = [...RULES, ...rules({ action: "deny", host: "*", port: 443 })];
    const decision = decideEgress(
      { mode: "allowlist", rules: broken },
      { host: "allowed.test", port: 443, method: "CONNECT" },
    );
    expect(decision).toMatchObject({ outcome: "deny", reason: "a rule cannot be read" });
  });
});

describe("public mode", () => {
  it.each([
    ["CONNECT", "anything.test", 443, "allow", "every public host is allowed"],
    ["GET", "anything.test", 80, "allow", "every public host is allowed"],
    ["CONNECT", "anything.test", 22, "deny", "only ports 80 and 443"],
    ["CONNECT", "anything.test", 444, "deny", "only ports 80 and 443"],
    ["GET", "anything.test", 81, "deny", "only ports 80 and 443"],
    ["CONNECT", "secret.wild.test", 443, "deny", "a deny rule matched"],
    ["GET", "redis", 80, "deny", "without a dot"],
    ["GET", "mock-api", 80, "allow", "an allow rule matched"],
    ["CONNECT", "93.184.216.35", 443, "allow", "every public host is allowed"],
    ["CONNECT", "[2606:4700::1111]", 443, "allow", "every public host is allowed"],
  ])("says of %s %s:%i: %s", (method, host, port, outcome, reason) => {
    const decision = decideEgress({ mode: "public", rules: RULES }, { host, port, method });
    expect(decision).toMatchObject({ outcome, reason: expect.stringContaining(reason) });
  });

  it("is the only other mode there is", () => {
    const policy = { mode: "open", rules: [] } as unknown as Parameters<typeof decideEgress>[0];
    expect(decideEgress(policy, { host: "a.test", port: 443, method: "CONNECT" })).toMatchObject({
      outcome: "deny",
    });
  });
});
