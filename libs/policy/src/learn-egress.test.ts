import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compileProfile } from "./compile-profile.ts";
import { createEgressRules } from "./egress-rules.ts";
import { type ObservedDestination, proposeRules } from "./learn-egress.ts";

const PATH = "profiles/filtered.yaml";
const SHIPPED = readFileSync(join(import.meta.dirname, "../../../", PATH), "utf8");

function seen(destination: string, method = "CONNECT", count = 1): ObservedDestination {
  const at = destination.lastIndexOf(":");
  return {
    host: destination.slice(0, at),
    port: Number(destination.slice(at + 1)),
    method,
    count,
    firstSeen: "2026-11-01T10:00:00.000Z",
    lastSeen: "2026-11-20T10:00:00.000Z",
  };
}

function policyOf(text: string) {
  const compilation = compileProfile("filtered", text);
  if (!compilation.ok) throw new Error(JSON.stringify(compilation.mistakes));
  return compilation.policy;
}

function propose(observed: readonly ObservedDestination[], text = SHIPPED) {
  return proposeRules(observed, policyOf(text), { path: PATH, text });
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "learn-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Applies a diff with the program that people use. */
function apply(diff: string, text = SHIPPED): string {
  mkdirSync(dirname(join(folder, PATH)), { recursive: true });
  writeFileSync(join(folder, PATH), text);
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
  execFileSync("git", ["apply", "-"], { cwd: folder, input: diff, env });
  return readFileSync(join(folder, PATH), "utf8");
}

describe("what is proposed", () => {
  it("is an exact host and port for a tunnel, and the methods where they were read", () => {
    const { rules, diff } = propose([
      seen("pypi.org:443", "CONNECT", 10),
      seen("files.pythonhosted.org:443"),
      seen("plain.example.org:80", "GET", 2),
      seen("plain.example.org:80", "HEAD"),
      seen("both.example.org:80", "CONNECT"),
      seen("both.example.org:80", "GET"),
    ]);
    expect(rules.map(({ rule: { key: _key, ...rule }, count }) => ({ ...rule, count }))).toEqual([
      { action: "allow", host: "both.example.org", port: 80, count: 2 },
      { action: "allow", host: "plain.example.org", port: 80, methods: ["GET", "HEAD"], count: 3 },
      { action: "allow", host: "pypi.org", port: 443, count: 10 },
      { action: "allow", host: "files.pythonhosted.org", port: 443, count: 1 },
    ]);
    expect(diff).toContain('+    - { allow: "pypi.org:443" } # 10 times, 2026-11-01 to 2026-11-20\n');
    expect(policyOf(apply(diff)).egress.rules.slice(-4)).toMatchObject(
      rules.map(({ rule: { host, port } }) => ({ action: "allow", host, port })),
    );
  });

  it("leaves out what the profile allows already, and what it denies", () => {
    const text = `version: 1\negress:\n  rules:\n    - { allow: "a.example:80", methods: [GET] }\n    - { deny: "b.example:443" }\n    - { ask: "c.example:443" }\n`;
    const { rules, remarks } = propose(
      [
        seen("a.example:80", "GET"),
        seen("a.example:80", "POST"),
        seen("b.example:443"),
        seen("c.example:443"),
      ],
      text,
    );
    expect(rules.map(({ rule }) => [rule.host, rule.methods])).toEqual([["a.example", ["POST"]]]);
    expect(remarks).toEqual(["b.example:443 (CONNECT) is left out: deny b.example:443 (egress.rules[1])"]);
  });

  it("is nothing when nothing lacks", () => {
    expect(propose([seen("nodejs.org:443")])).toEqual({ rules: [], remarks: [], diff: "" });
    expect(propose([])).toEqual({ rules: [], remarks: [], diff: "" });
  });

  it("is commented out where the linter refuses it, with its remark", () => {
    const { diff, remarks } = propose([
      seen("api.openai.com:443"),
      seen("pypi.org:443"),
      seen("webhook.site:443"),
    ]);
    expect(diff).toContain(
      '+    # - { allow: "api.openai.com:443" } # once, 2026-11-01 to 2026-11-20, model_provider\n',
    );
    expect(remarks).toEqual([
      expect.stringMatching(/^commented out: api\.openai\.com, .*\(model_provider\)$/),
      expect.stringMatching(/^commented out: webhook\.site, .*\(drop\)$/),
    ]);
    const { egress } = policyOf(apply(diff));
    expect(egress.rules.map(({ host }) => host)).not.toContain("api.openai.com");
    expect(egress.rules.map(({ host }) => host)).toContain("pypi.org");
  });

  it("has no wildcard, but says from six siblings on what one would admit", () => {
    const hosts = (count: number, suffix: string) =>
      Array.from({ length: count }, (_, index) => seen(`h${index}.${suffix}:443`));
    const { rules, remarks } = propose([
      ...hosts(6, "cdn.example"),
      ...hosts(5, "few.example"),
      ...hosts(7, "github.io"),
      ...hosts(8, "example"),
    ]);
    expect(rules.every(({ rule }) => !rule.host.includes("*"))).toBe(true);
    expect(remarks).toEqual([
      '6 hosts below cdn.example: one rule { allow: "*.cdn.example:443" } would do, and would also admit every other name there, whoever has it',
      expect.stringMatching(
        /^7 hosts below github\.io: .*; \*\.github\.io means names below github\.io, which anybody rents/,
      ),
    ]);
  });

  it.each([
    ["93.184.216.34:443", "93.184.216.34 is an address: a rule with the name says more"],
    ["nas.local:80", "nas.local is a special name: its rule needs addresses, the range that it leads to"],
  ])("warns of %s", (destination, remark) => expect(propose([seen(destination)]).remarks).toEqual([remark]));

  it.each([
    "a.example\n+evil:443",
    'a"b.example:443',
    "*.example:443",
    "A.example:443",
    "a.example:0",
    "\u001b[2J:443",
  ])("leaves out what is not in canonical form, %j", (destination) => {
    const { rules, remarks, diff } = propose([seen(destination)]);
    expect({ rules, diff }).toEqual({ rules: [], diff: "" });
    expect(remarks).toEqual(["left out, since not in canonical form: 1"]);
  });

  it("is cut to what a person can read", () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      seen(`a.h${index}.example:443`, "CONNECT", index + 1),
    );
    const { rules, remarks } = propose(many);
    expect(rules).toHaveLength(200);
    expect(rules.map(({ count }) => count)).not.toContain(100);
    expect(remarks).toEqual(["only the 200 most used of 300 destinations are proposed"]);
  });
});

describe("the diff of a profile", () => {
  const observed = [seen("new.example:443"), seen("pastebin.com:443")];

  it.each<[string, string]>([
    ["with rules in a block", 'version: 1\negress:\n  rules:\n    - { allow: "a.example:443" }\n'],
    [
      "with rules at the margin",
      'version: 1\negress:\n  rules:\n  - allow: "a.example:443"\n    methods: [GET]\n\nmodels: []\n',
    ],
    [
      "with a comment behind",
      'version: 1\negress:\n  rules:\n    - { allow: "a.example:443" } # here\n    # more\nlimits: {}\n',
    ],
    [
      "with a rule over lines",
      'version: 1\negress:\n  rules:\n    - allow: "a.example:443"\n      inspect: true\n      paths:\n        - /a/\n        - /b/\nlimits: {}\n',
    ],
    ["with no rules", "version: 1\negress:\n  mode: allowlist\n  rules: []\nlimits: {}\n"],
    ["with no rules and a comment", "version: 1\negress:\n  rules: [] # none yet\n"],
    ["without the key", "version: 1\negress:\n  mode: allowlist\n  # that is all\n\nlimits: {}\n"],
    ["without the key at the end", "version: 1\negress:\n  ask: { seconds: 5 }\n"],
    ["without egress", "version: 1\n"],
    ["without a newline at the end", "version: 1"],
    ["without a newline behind the rules", 'version: 1\negress:\n  rules:\n    - { allow: "a.example:443" }'],
    ["without a newline behind no rules", "version: 1\negress:\n  rules: []"],
    [
      "without a newline soon after",
      'version: 1\negress:\n  rules:\n    - { allow: "a.example:443" }\nlimits: {}',
    ],
    [
      "with the newlines of Windows",
      'version: 1\r\negress:\r\n  rules:\r\n    - { allow: "a.example:443" }\r\nlimits: {}\r\n',
    ],
    ["that is shipped", SHIPPED],
  ])("%s applies, compiles and changes the rules alone", (_what, text) => {
    const { diff } = propose(observed, text);
    const changed = apply(diff, text);
    const before = policyOf(text);
    const { hash: _hash, ...after } = policyOf(changed);
    const { rules } = before.egress;
    expect(after).toEqual({
      ...Object.fromEntries(Object.entries(before).filter(([key]) => key !== "hash")),
      egress: {
        ...before.egress,
        rules: [
          ...rules,
          { action: "allow", host: "new.example", port: 443, key: `egress.rules[${rules.length}]` },
        ],
      },
    });
    const lines = new Set(changed.split("\n"));
    const lost = text.split("\n").filter((line) => !lines.has(line) && !line.includes("rules: []"));
    expect(lost).toEqual([]);
  });

  it.each([
    ["rules in flow form", 'version: 1\negress:\n  rules: [{ allow: "a.example:443" }]\n'],
    ["egress in flow form", "version: 1\negress: { rules: [] }\n"],
  ])("is empty for %s, and the rules are in the remarks", (_what, text) => {
    const { diff, remarks } = propose(observed, text);
    expect(diff).toBe("");
    expect(remarks.at(-1)).toContain('{ allow: "new.example:443" }');
    expect(remarks.at(-1)).toContain("is left as it is");
  });

  it("holds comments alone when every rule needs a reason, and is still a profile", () => {
    const text = "version: 1\negress:\n  rules: []\n";
    const { diff } = propose(observed.slice(1), text);
    expect(policyOf(apply(diff, text)).egress.rules).toEqual([]);
  });

  it("makes that what was seen is allowed or stands in a comment, whatever was seen", () => {
    const destination = record({
      host: constantFrom(
        "a.example",
        "b.a.example",
        "api.openai.com",
        "93.184.216.34",
        "redis",
        "nodejs.org",
      ),
      port: constantFrom(80, 443, 8080),
      method: constantFrom("CONNECT", "GET", "POST"),
      count: integer({ min: 1, max: 9 }),
    });
    assert(
      property(array(destination, { maxLength: 6 }), (list) => {
        const all = list.map((one) => ({ ...seen(`${one.host}:${one.port}`, one.method, one.count) }));
        const { diff, rules } = propose(all);
        if (diff === "") return rules.length === 0;
        const { decide } = createEgressRules(policyOf(apply(diff)).egress);
        return all.every(
          ({ host, port, method }) =>
            decide({ host, port, method, path: "/" }).outcome === "allow" ||
            diff.includes(`# - { allow: "${host}:${port}"`),
        );
      }),
      { seed: 20_261_122, numRuns: 25 },
    );
  });
});
