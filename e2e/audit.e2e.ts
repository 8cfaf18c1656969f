import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callTool } from "./agent.ts";
import { e2e } from "./deployment.ts";
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

  it("records where the agent went and what it asked the model", async () => {
    await e2e.exec("agent", ["curl", "-sS", "http://forbidden.example/"]);
    const egress = (await records()).findLast(({ event }) => event === "egress.decided");
    expect(egress).toMatchObject({
      outcome: "deny",
      subject: "forbidden.example:80",
      service: "egress-filter",
    });
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
