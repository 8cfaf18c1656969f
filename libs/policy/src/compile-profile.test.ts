import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ServerName } from "@claws/contracts";
import { assert, constantFrom, jsonValue, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { compileProfile } from "./compile-profile.ts";
import type { ProfileOverrides } from "./profile-overrides.ts";

const FIXTURES = join(import.meta.dirname, "fixtures");
const YAML_BITS = [
  "version: 1",
  "tools:",
  "\n",
  "\n  ",
  "- ",
  "{",
  "}",
  "[",
  "]",
  ":",
  ": ",
  "?",
  "&a ",
  "*a",
  "!!set ",
  "%YAML 1.1",
  "---",
  "|",
  ">",
  '"',
  "<<: ",
  "#",
  "__proto__",
  "~",
];
const fixtures = readdirSync(FIXTURES).filter((name) => name.endsWith(".yaml"));

function policyOf(text: string, overrides?: ProfileOverrides, name = "filtered") {
  const compilation = compileProfile(name, text, overrides);
  if (!compilation.ok) throw new Error(JSON.stringify(compilation.mistakes));
  return compilation.policy;
}
function mistakesOf(text: string, overrides?: ProfileOverrides, name = "filtered") {
  const compilation = compileProfile(name, text, overrides);
  if (compilation.ok) throw new Error("it compiled");
  return compilation.mistakes;
}

describe("a mistake in a profile is one message, with its line:", () => {
  it("of every kind", () => expect(fixtures.length).toBeGreaterThan(40));

  it.each(fixtures)("%s", (name) => {
    const text = readFileSync(join(FIXTURES, name), "utf8");
    const [, line = "", message] = /^# line (\d+): (.*)\n/.exec(text) ?? [];
    expect(mistakesOf(text)).toEqual([{ line: Number(line), message }]);
  });

  it("all of them at once", () => {
    const text = "version: 1\negres: {}\nlimits:\n  callsPerMinute: 0\n  tokensPerRequest: x\n";
    expect(mistakesOf(text).map(({ line }) => line)).toEqual([4, 5, 2]);
  });
});

describe("a profile that says nothing", () => {
  const policy = policyOf("version: 1\n");

  it("closes everything and waits for a person", () => {
    expect(policy).toMatchObject({
      version: 1,
      profile: "filtered",
      agents: { main: {} },
      servers: {},
      tools: { scope: { allow: [], block: [] }, rules: [], defaultRisk: "HIGH" },
      egress: {
        mode: "allowlist",
        rules: [],
        ask: { seconds: 30, maxOpen: 5 },
        requireVerification: true,
      },
      limits: {
        callsPerMinute: 100,
        costPerSessionMicroUsd: 10_000_000,
        costPerDayMicroUsd: 50_000_000,
        tokensPerRequest: 8_000,
      },
      dlp: { arguments: { secret: "block", pii: "redact" }, results: { secret: "redact" } },
      approvals: { expireAfterSeconds: 300, holdSeconds: 50 },
      models: [],
    });
  });
});

describe("a compiled profile", () => {
  it("has money in micro-USD, deadlines in milliseconds and rules with their place", () => {
    const policy = policyOf(
      [
        "version: 1",
        "tools:",
        "  rules:",
        '    - { match: search, priceUsd: "0.0015", deadlineSeconds: 2 }',
        "egress:",
        "  rules:",
        '    - { allow: "**.example.org:8443", methods: [GET] }',
        '    - { deny: "[2001:db8::1]:443" }',
        "models:",
        "  - dialect: openai",
        "    baseUrl: mock",
        "    models: [{ name: m, inputUsdPerMillion: 2.5, outputUsdPerMillion: 10 }]",
        "",
      ].join("\n"),
    );
    expect(policy.tools.rules).toEqual([{ match: "search", priceMicroUsd: 1_500, deadlineMs: 2_000 }]);
    expect(policy.egress.rules).toEqual([
      { action: "allow", host: "**.example.org", port: 8443, methods: ["GET"], key: "egress.rules[0]" },
      { action: "deny", host: "[2001:db8::1]", port: 443, key: "egress.rules[1]" },
    ]);
    expect(policy.models[0]?.models).toEqual([
      { name: "m", inputMicroUsdPerMillion: 2_500_000, outputMicroUsdPerMillion: 10_000_000 },
    ]);
  });

  it("has the rules of agents and servers with their place, and of an acknowledgement nothing", () => {
    const policy = policyOf(
      [
        "version: 1",
        "agents:",
        "  main: {}",
        "  other:",
        "    egress:",
        '      - { ask: "a.example:443" }',
        '      - { allow: "pastebin.com:443", acknowledge: "we publish there, and nothing else" }',
        "servers:",
        "  web:",
        "    image: x",
        "    egress:",
        '      - { allow: "b.example:443", inspect: true, credential: { secret: KEY, mode: pin } }',
        "  fs: { image: x }",
        "",
      ].join("\n"),
    );
    expect(policy.agents).toEqual({
      main: {},
      other: {
        egress: [
          { action: "ask", host: "a.example", port: 443, key: "agents.other.egress[0]" },
          { action: "allow", host: "pastebin.com", port: 443, key: "agents.other.egress[1]" },
        ],
      },
    });
    expect(policy.servers[ServerName.parse("web")]?.egress).toEqual([
      {
        action: "allow",
        host: "b.example",
        port: 443,
        inspect: true,
        credential: { header: "authorization", secret: "KEY", mode: "pin" },
        key: "servers.web.egress[0]",
      },
    ]);
    expect(policy.servers[ServerName.parse("fs")]).not.toHaveProperty("egress");
  });

  it("has quotas in bytes", () => {
    const { quotas } = policyOf("version: 1\negress: { quotas: { uploadMbPerHost: 0.5 } }\n").egress;
    expect(quotas).toMatchObject({ uploadBytesPerHost: 500_000, uploadBytesPerSession: 200_000_000 });
  });

  it("lets deny rules of the profile close what a rule of an agent would hand out", () => {
    const text = (rule: string) =>
      `version: 1\negress: { rules: [${rule}] }\nagents: { main: { egress: [{ allow: "*.anthropic.com:443" }] } }\n`;
    expect(mistakesOf(text(""))).toHaveLength(1);
    expect(policyOf(text('{ deny: "api.anthropic.com:443" }')).agents).toHaveProperty("main.egress");
  });

  it("keeps the defaults of what a set of DLP actions leaves out", () => {
    const { dlp } = policyOf("version: 1\ndlp:\n  arguments: { pii: block }\n");
    expect(dlp.arguments).toEqual({
      secret: "block",
      pii: "block",
      exfiltration: "flag",
      injection: "flag",
      size: "block",
    });
  });

  it("hashes to the same for the same rules, however they are written", () => {
    const spread = "version: 1\nlimits:\n  callsPerMinute: 5\n  tokensPerRequest: 9\n";
    const flow = "# a comment\nlimits: { tokensPerRequest: 9, callsPerMinute: 5 }\nversion: 1\n";
    expect(policyOf(flow).hash).toBe(policyOf(spread).hash);
  });

  it("hashes to another with any other rule, name or override", () => {
    const text = "version: 1\n";
    const hashes = [
      policyOf(text).hash,
      policyOf(text, {}, "basic").hash,
      policyOf(text, { blockedTools: "search" }).hash,
      policyOf(text, { maxApiCallsPerMinute: "99" }).hash,
      policyOf("version: 1\nlimits: { costPerDayUsd: 1 }\n").hash,
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe("the overrides of .env", () => {
  const text = [
    "version: 1",
    "servers: { fs: { image: x } }",
    "tools: { allow: [fs__*], block: [execute_code] }",
    "",
  ].join("\n");

  it("go over the profile", () => {
    const policy = policyOf(text, {
      allowedTools: " read_file, fs__list_* ,",
      blockedTools: "shell_command",
      maxApiCallsPerMinute: "7",
      maxCostPerSessionUsd: "0.50",
      maxTokensPerRequest: "100",
    });
    expect(policy.tools.scope).toEqual({
      allow: ["read_file", "fs__list_*"],
      block: ["execute_code", "shell_command"],
    });
    expect(policy.limits).toMatchObject({
      callsPerMinute: 7,
      costPerSessionMicroUsd: 500_000,
      tokensPerRequest: 100,
    });
  });

  it("can add to what is blocked and take nothing from it", () => {
    expect(policyOf(text, { blockedTools: "" }).tools.scope.block).toEqual(["execute_code"]);
  });

  it("may block tools of a server that only another profile has", () => {
    expect(policyOf(text, { blockedTools: "mail__*" }).tools.scope.block).toContain("mail__*");
  });

  it.each<[ProfileOverrides, string]>([
    [{ allowedTools: "read file" }, 'ALLOWED_TOOLS_FILTERED: "read file" is not a tool name'],
    [
      { allowedTools: "fss__read" },
      "ALLOWED_TOOLS_FILTERED: fss__read names a server that is not under servers",
    ],
    [{ blockedTools: "a,b;c" }, 'BLOCKED_TOOLS: "b;c" is not a tool name'],
    [{ maxApiCallsPerMinute: "0" }, 'MAX_API_CALLS_PER_MINUTE: "0" is not a whole number above 0'],
    [{ maxApiCallsPerMinute: "1.5" }, 'MAX_API_CALLS_PER_MINUTE: "1.5" is not a whole number above 0'],
    [{ maxApiCallsPerMinute: "" }, 'MAX_API_CALLS_PER_MINUTE: "" is not a whole number above 0'],
    [
      { maxTokensPerRequest: "1000000000" },
      'MAX_TOKENS_PER_REQUEST: "1000000000" is not a whole number above 0',
    ],
    [{ maxCostPerSessionUsd: "ten" }, 'MAX_COST_PER_SESSION_USD: "ten" is not US dollars like 10.00'],
  ])("that do not parse are mistakes without a line: %j", (overrides, message) => {
    expect(mistakesOf(text, overrides)).toEqual([{ message }]);
  });

  it("that do not parse are reported together, after what is wrong in the file", () => {
    const wrong = text.replace("fs__*", "fss__*");
    const overrides = { allowedTools: "read file", maxTokensPerRequest: "x" };
    expect(mistakesOf(wrong, overrides).map(({ line }) => line)).toEqual([3, undefined, undefined]);
  });
});

describe("the compiler", () => {
  /** Compiles or names mistakes; never a surprise. */
  const isOrderly = (text: string) => {
    const compilation = compileProfile("filtered", text);
    return compilation.ok || compilation.mistakes.length > 0;
  };

  it("never throws on arbitrary text", () => {
    assert(property(string({ unit: "binary", maxLength: 200 }), isOrderly));
  });

  it("never throws on arbitrary text that looks like YAML", () => {
    const yaml = string({ unit: constantFrom(...YAML_BITS), maxLength: 30 });
    assert(property(yaml, isOrderly), { numRuns: 500 });
  });

  it("never throws on arbitrary YAML in the place of any key", () => {
    const keys = ["agents", "servers", "tools", "egress", "limits", "dlp", "approvals", "models"];
    assert(
      property(constantFrom(...keys), jsonValue({ maxDepth: 3 }), (key, value) =>
        isOrderly(stringify({ version: 1, [key]: value })),
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ["nesting that no parser takes", "[".repeat(5_000)],
    ["nesting in nesting of keys", "a: ".repeat(2_000)],
    ["an alias of itself", "version: 1\ndescription: &a [*a]\n"],
    ["a key that is a map", "? { a: 1 }\n: 2\n"],
    ["YAML 1.1", "%YAML 1.1\n---\nversion: 1\ndescription: 2020-01-01\n"],
    ["a set", "%YAML 1.1\n---\nversion: 1\nservers: !!set { a, b }\n"],
    ["an endless number", "version: 1\nlimits: { callsPerMinute: .inf }\n"],
  ])("never throws on %s", (_what, text) => expect(isOrderly(text)).toBe(true));
});
