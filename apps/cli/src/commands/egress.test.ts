import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readStack, type Stack } from "../stack/stack.ts";
import { addEgress } from "./egress.ts";
import { readSince } from "./egress-learn.ts";
import { readObservedEgress } from "./observed-egress.ts";

const REPOSITORY = join(import.meta.dirname, "../../../..");

function recordOf(subject: string, more: Record<string, unknown> = {}, detail: Record<string, unknown> = {}) {
  return JSON.stringify({
    event: "egress.decided",
    outcome: "allow",
    agent: "main",
    subject,
    time: "2026-11-10T12:00:00.000Z",
    detail: { method: "CONNECT", reason: "allowed", door: "agents", caller: "agent:main", ...detail },
    ...more,
  });
}

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "claws-egress-"));
  cpSync(join(REPOSITORY, "profiles"), join(root, "profiles"), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

/** Runs a command line over a copy of the shipped profiles; the auditor's tail is given, the rest is real. */
async function run(args: readonly string[], tail: { code: number; stdout: string; stderr: string }) {
  const asked: string[][] = [];
  const stack: Stack = {
    ...readStack(root, {}),
    compose: async (given) => {
      asked.push([...given]);
      return tail;
    },
  };
  const printed: string[] = [];
  const program = new Command("claws").exitOverride();
  addEgress(program, stack, (text) => void printed.push(text));
  await program.parseAsync(["egress", ...args], { from: "user" });
  return { text: printed.join("\n"), asked };
}

const NOTHING = { code: 0, stdout: "", stderr: "" };

describe("./claws egress explain", () => {
  it.each([
    [["https://nodejs.org/en"], "by egress.rules[2]: allow nodejs.org:443"],
    [["https://example.org/"], "denied, not_allowed: no rule names example.org"],
    [["https://example.org/", "--profile", "basic"], "by egress.mode: public, and no rule"],
    [["http://mock-api/x", "--profile", "airgap"], "by egress.rules[0]: allow mock-api:80"],
    [["http://nodejs.org/", "--method", "post"], "POST / at nodejs.org:80: denied, port_denied"],
  ])("%j: %s", async (args, line) => {
    const { text, asked } = await run(["explain", ...args], NOTHING);
    expect(text).toContain(line);
    expect(asked).toEqual([]);
  });

  it("gives one JSON document", async () => {
    const { text } = await run(["explain", "nodejs.org:443", "--json"], NOTHING);
    expect(JSON.parse(text)).toMatchObject({ decision: { outcome: "allow", key: "egress.rules[2]" } });
  });

  it.each([
    [["nodejs.org"], "give a URL"],
    [["nodejs.org:443", "--agent", "nobody"], "no agent nobody"],
    [["nodejs.org:443", "--server", "fs"], "has no network"],
    [["nodejs.org:443", "--server", "fs", "--agent", "main"], "not both"],
    [["nodejs.org:443", "--agent", "A B"], "not the name of an agent"],
    [["nodejs.org:443", "--method", "G E T"], "not a method"],
    [["nodejs.org:443", "--profile", "none"], "there is no profile none"],
  ])("%j is refused: %s", async (args, reason) => {
    await expect(run(["explain", ...args], NOTHING)).rejects.toThrow(reason);
  });
});

describe("./claws egress learn", () => {
  const stdout = `${recordOf("new.example:443")}\n${recordOf("pastebin.com:443")}\nnot json "egress.decided"\n`;

  it("prints a diff that git applies, remarks and all, and changes nothing itself", async () => {
    const file = join(root, "profiles/filtered.yaml");
    const before = readFileSync(file, "utf8");
    const { text, asked } = await run(["learn"], { ...NOTHING, stdout });
    expect(asked).toEqual([["run", "--rm", "--no-deps", "-T", "auditor", "tail", "100000"]]);
    expect(text).toMatch(/^# commented out: pastebin\.com, .*\(drop\)\n/);
    expect(readFileSync(file, "utf8")).toBe(before);
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
    execFileSync("git", ["apply", "-"], { cwd: root, input: `${text}\n`, env });
    const { text: explained } = await run(["explain", "https://new.example/"], NOTHING);
    expect(explained).toContain("by egress.rules[3]: allow new.example:443");
    const { text: again } = await run(["learn"], { ...NOTHING, stdout: recordOf("new.example:443") });
    expect(again).toBe("# nothing to put in");
  });

  it.each([
    [{ ...NOTHING, stdout: "" }, "no destination was reached yet"],
    [{ code: 1, stdout: "", stderr: "no such service: auditor\n" }, "no such service: auditor"],
  ])("says so when there is nothing to learn from", async (tail, reason) => {
    await expect(run(["learn"], tail)).rejects.toThrow(reason);
  });
});

describe("what was observed", () => {
  it("is counted by destination and method, from agents and what was allowed alone", () => {
    const lines = [
      recordOf("a.example:443"),
      recordOf("a.example:443", { time: "2026-11-12T00:00:00.000Z" }),
      recordOf("a.example:80", {}, { method: "GET" }),
      recordOf("[2001:db8::1]:443", { at: "2026-11-01T00:00:00.000Z" }),
      recordOf("denied.example:443", { outcome: "deny" }),
      recordOf("closed.example:443", { event: "egress.closed" }),
      recordOf("model.example:443", { agent: undefined }, { door: "services" }),
      recordOf("server.example:443", { agent: undefined }, { caller: "server:web" }),
      recordOf("(none)"),
      "",
      '{"event":"egress.decided"',
    ];
    expect(readObservedEgress(lines)).toEqual([
      {
        host: "a.example",
        port: 443,
        method: "CONNECT",
        count: 2,
        firstSeen: "2026-11-10T12:00:00.000Z",
        lastSeen: "2026-11-12T00:00:00.000Z",
      },
      expect.objectContaining({ host: "a.example", port: 80, method: "GET", count: 1 }),
      expect.objectContaining({ host: "[2001:db8::1]", port: 443, firstSeen: "2026-11-01T00:00:00.000Z" }),
    ]);
    expect(readObservedEgress(lines, new Date("2026-11-11"))).toHaveLength(1);
  });

  it.each([
    ["90m", "2026-11-22T10:30:00.000Z"],
    ["24h", "2026-11-21T12:00:00.000Z"],
    ["7d", "2026-11-15T12:00:00.000Z"],
    ["2026-11-01", "2026-11-01T00:00:00.000Z"],
    [undefined, "1970-01-01T00:00:00.000Z"],
  ])("since %s is since %s", (text, expected) => {
    expect(readSince(text, new Date("2026-11-22T12:00:00Z")).toISOString()).toBe(expected);
  });

  it.each(["", "7", "7w", "yesterday", "2026-13-01"])("since %j is refused", (text) => {
    expect(() => readSince(text, new Date())).toThrow("--since");
  });
});
