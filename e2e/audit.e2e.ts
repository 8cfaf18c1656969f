import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { callTool } from "./agent.ts";
import { e2e, eventually } from "./deployment.ts";
import { run } from "./run-program.ts";

async function logFile(): Promise<string> {
  const { stdout } = await run("docker", [
    "volume",
    "inspect",
    "--format",
    "{{.Mountpoint}}",
    `${e2e.project}_audit`,
  ]);
  return join(stdout.trim(), "audit.jsonl");
}

const records = async () =>
  readFileSync(await logFile(), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the audit log", () => {
  it("has a call's decision before its outcome, and a refusal with its code, without any argument", async () => {
    const marker = `marker-${Date.now()}`;
    await callTool("fs__list_directory", { path: "/workspace" });
    await callTool("mail__crash", { note: marker });
    const all = await records();
    const decided = all.findLast(
      ({ event, subject }) => event === "call.decided" && subject === "fs__list_directory",
    );
    const settled = all.findLast(
      ({ event, subject }) => event === "call.settled" && subject === "fs__list_directory",
    );
    expect(decided).toMatchObject({ outcome: "allow", service: "broker", agent: "main" });
    expect(settled).toMatchObject({ outcome: "done", digest: decided?.["digest"] });
    expect(Number(settled?.["seq"])).toBeGreaterThan(Number(decided?.["seq"]));
    expect(all.findLast(({ subject }) => subject === "mail__crash")).toMatchObject({
      outcome: "deny",
      code: "tool_not_allowed",
    });
    expect(readFileSync(await logFile(), "utf8")).not.toContain(marker);
  });

  it("records where the agent went and where it was refused, soon after", async () => {
    const marker = `marker-${Date.now()}`;
    const egress = async () => (await records()).filter(({ service }) => service === "egress-filter");
    const before = (await egress()).length;
    for (const host of ["forbidden", "allowed"])
      await e2e.exec("agent", [
        "curl",
        "-sS",
        "-o",
        "/dev/null",
        `http://${host}.example/${marker}?q=${marker}`,
      ]);
    // They are written ahead on egress-filter's own volume and reach the auditor in batches.
    const written = await eventually(
      async () => (await egress()).slice(before),
      (found) =>
        found.some(({ event, subject }) => event === "egress.closed" && subject === "allowed.example:80"),
      10_000,
    );
    expect(written.find(({ subject }) => subject === "forbidden.example:80")).toMatchObject({
      event: "egress.decided",
      outcome: "deny",
      agent: "main",
      detail: expect.objectContaining({ reason: "not_allowed", method: "GET", caller: "agent:main" }),
    });
    const [decided, closed] = written.filter(({ subject }) => subject === "allowed.example:80");
    expect(decided).toMatchObject({ event: "egress.decided", outcome: "allow", agent: "main" });
    expect(closed).toMatchObject({ event: "egress.closed", detail: { bytesDown: expect.any(Number) } });
    const connectionOf = (record: typeof closed) =>
      z.object({ connection: z.string() }).parse(record?.["detail"]).connection;
    expect(connectionOf(closed)).toBe(connectionOf(decided));
    expect(readFileSync(await logFile(), "utf8")).not.toContain(marker);
  });

  it("records names that the agent asked for and did not get", async () => {
    const name = `never-${Date.now()}.example`;
    await e2e.exec("agent", ["getent", "hosts", name]);
    const record = await eventually(
      async () =>
        (await records()).find(
          ({ event, subject }) => event === "dns.decided" && String(subject).startsWith(name),
        ),
      (found) => found !== undefined,
      10_000,
    );
    expect(record).toMatchObject({ service: "egress-filter", outcome: "deny" });
  });

  it("shows that a record was changed after it was written", async () => {
    const copy = readFileSync(await logFile(), "utf8").replace('"outcome":"deny"', '"outcome":"allow"');
    const path = `${await logFile()}.tampered`;
    writeFileSync(path, copy, { mode: 0o644 });
    const { code, stdout, stderr } = await e2e.compose([
      "run",
      "--rm",
      "--no-deps",
      "-T",
      "auditor",
      "verify",
      "/state/audit.jsonl.tampered",
    ]);
    await run("rm", ["-f", path]);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/line \d+/);
  });

  it("cannot be reached, let alone written, by anything but the auditor", async () => {
    for (const service of ["agent", "broker", "approval-gateway", "redis"]) {
      const { stdout } = await run("docker", [
        "inspect",
        "--format",
        "{{range .Mounts}}{{.Name}} {{end}}",
        await e2e.containerOf(service),
      ]);
      expect(stdout).not.toContain(`${e2e.project}_audit`);
    }
  });
});
