import type { AgentId, ServerName } from "@claws/contracts";
import { assert, constantFrom, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { compileProfile } from "./compile-profile.ts";
import { type ExplainOptions, explainEgress } from "./explain-egress.ts";

const PROFILE = `
version: 1
agents: { main: {}, other: { egress: [{ allow: "other.example:443" }] } }
servers:
  web: { image: x, egress: [{ allow: "cdn.example:443" }] }
  fs: { image: x }
egress:
  rules:
    - { allow: "docs.example:443" }
    - { allow: "api.example:443", inspect: true, methods: [GET], paths: [/v1/], credential: { secret: K, mode: swap } }
    - { allow: "plain.example:443", methods: [GET] }
    - { ask: "**.ask.example:443" }
    - { allow: "wiki.home.arpa:80", addresses: [10.0.0.0/8], paths: [/w/] }
    - { allow: "pastebin.com:443", acknowledge: "for the demonstration" }
    - { deny: "closed.example:443" }
    - { allow: "team.example:80", headers: { x-team: [red] } }
    - { ask: "both.example:443", methods: [POST], inspect: true }
    - { allow: "both.example:443", inspect: true }
models:
  - dialect: openai
    baseUrl: https://llm.example/v1
    secret: LLM
    models: [{ name: m, inputUsdPerMillion: 1, outputUsdPerMillion: 1 }]
`;

const compilation = compileProfile("filtered", PROFILE);

function explain(text: string, options?: ExplainOptions) {
  if (!compilation.ok) throw new Error(JSON.stringify(compilation.mistakes));
  return explainEgress(compilation.policy, text, options);
}

function linesOf(text: string, options?: ExplainOptions): string[] {
  const explanation = explain(text, options);
  if (!explanation.ok) throw new Error(explanation.reason);
  return [...explanation.lines];
}

const agent = (name: string) => ({ caller: { kind: "agent", agent: name as AgentId } }) as const;
const server = (name: string) => ({ caller: { kind: "server", server: name as ServerName } }) as const;

describe("an explanation", () => {
  it.each<[string, ExplainOptions, string, string | undefined]>([
    ["https://docs.example/x", {}, "allow", "egress.rules[0]"],
    ["https://DOCS.example./x", {}, "allow", "egress.rules[0]"],
    ["wss://docs.example/x", {}, "allow", "egress.rules[0]"],
    ["docs.example:443", {}, "allow", "egress.rules[0]"],
    ["docs.example:80", {}, "port_denied", "egress.rules"],
    ["http://docs.example/", {}, "port_denied", "egress.rules"],
    ["https://api.example/v1/x", {}, "allow", "egress.rules[1]"],
    ["https://api.example/v1/x", { method: "post" }, "method_denied", "egress.rules[1].methods"],
    ["https://api.example/v2/x", {}, "path_denied", "egress.rules[1].paths"],
    ["https://plain.example/", {}, "method_denied", "egress.rules[2].inspect"],
    ["https://a.ask.example/", {}, "ask", "egress.rules[3]"],
    ["http://wiki.home.arpa/w/x", {}, "allow", "egress.rules[4]"],
    ["http://wiki.home.arpa/w/%2e%2e/x", {}, "path_ambiguous", "egress.rules[4]"],
    ["https://closed.example/", {}, "deny_rule", "egress.rules[6]"],
    ["https://closed.example/", agent("other"), "deny_rule", "egress.rules[6]"],
    ["http://team.example/", {}, "allow", "egress.rules[7]"],
    ["https://both.example/", {}, "allow", "egress.rules[9]"],
    ["https://both.example/", { method: "POST" }, "ask", "egress.rules[8]"],
    ["https://other.example/", agent("other"), "allow", "agents.other.egress[0]"],
    ["https://docs.example/", agent("other"), "not_allowed", "agents.other.egress"],
    ["https://cdn.example/", server("web"), "allow", "servers.web.egress[0]"],
    ["https://docs.example/", server("web"), "not_allowed", "servers.web.egress"],
    ["http://169.254.169.254/latest", {}, "ip_literal_denied", "egress.rules"],
    ["http://[::1]:8080/", {}, "ip_literal_denied", "egress.rules"],
    ["redis:6379", {}, "special_name", "egress.rules"],
  ])("of %s for %j: %s by %s", (text, options, expected, key) => {
    const explanation = explain(text, options);
    if (!explanation.ok) throw new Error(explanation.reason);
    const { decision } = explanation;
    expect([decision.outcome === "deny" ? decision.reason : decision.outcome, decision.key]).toEqual([
      expected,
      key,
    ]);
  });

  it("names the rule and what nobody will see", () => {
    expect(linesOf("https://docs.example/x?token=hush")).toEqual([
      "CONNECT docs.example:443: allowed, as a tunnel that nobody looks into",
      "  by egress.rules[0]: allow docs.example:443",
      "not judged: methods, paths, headers and content, since the tunnel is opaque. Judged: the TLS name, the addresses, the bytes",
      "then: every address that the name leads to must be public",
    ]);
  });

  it("shows each step of an inspected request, and no query", () => {
    const lines = linesOf("https://api.example/v1/x?token=hush");
    expect(lines).toEqual([
      "CONNECT api.example:443: allowed, with TLS opened",
      "  by egress.rules[1]: allow api.example:443 for GET at /v1/ inspected",
      "GET /v1/x, inside the tunnel: allowed, with TLS opened",
      "  by egress.rules[1]: allow api.example:443 for GET at /v1/ inspected",
      "the header authorization gets in place of a placeholder the secret K",
      "then: every address that the name leads to must be public",
    ]);
  });

  it.each([
    ["https://new.example/", 'to change: egress.rules, for instance by { allow: "new.example:443" }'],
    [
      "https://webhook.site/",
      'to change: egress.rules, for instance by { allow: "webhook.site:443", acknowledge: "why" }',
    ],
    ["https://llm.example/", "to change: nothing, see the remark"],
    ["https://closed.example/", "to change: egress.rules[6]"],
    [
      "redis:6379",
      'to change: egress.rules, for instance by { allow: "redis:6379", addresses: ["its range"] }',
    ],
  ])("of %s says what to change", (text, line) => expect(linesOf(text)).toContain(line));

  it.each([
    ["https://pastebin.com/", "(drop)"],
    ["https://api.openai.com/", "(model_provider)"],
    ["https://llm.example/", "(own_model)"],
  ])("of %s has the linter's remark %s", (text, code) => {
    expect(linesOf(text).at(-1)).toMatch(/^remark: /);
    expect(linesOf(text).at(-1)).toContain(code);
  });

  it.each<[string, ExplainOptions, string]>([
    ["ftp://docs.example/", {}, "only http"],
    ["https://user:hush@docs.example/", {}, "leave user and password out"],
    ["docs.example", {}, "give a URL"],
    ["https://docs.example:99999/", {}, "a port is"],
    ["https://do cs.example/", {}, "no host name"],
    ["https://127.1/", {}, "no host name"],
    ["https://*.example/", {}, "no host name"],
    ["", {}, "give a URL"],
    ["docs.example:443", agent("nobody"), "no agent nobody"],
    ["docs.example:443", agent("constructor"), "no agent constructor"],
    ["docs.example:443", server("fs"), "has no network"],
    ["docs.example:443", server("nobody"), "no server nobody"],
  ])("of %j for %j is refused: %s", (text, options, reason) => {
    expect(explain(text, options)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });

  it("never throws", () => {
    const text = string({
      unit: constantFrom("a", ".", ":", "/", "%", "2", "e", "@", "?", "[", "]", "é", " ", "https://"),
      maxLength: 20,
    });
    assert(
      property(text, (typed) => typeof explain(typed).ok === "boolean"),
      { seed: 20_261_122, numRuns: 1_000 },
    );
  });
});
