import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { createStackIdentities } from "@claws/certificates";
import { AuditReceipt, type ServiceName } from "@claws/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "./run-command.ts";
import { type AuditorBench, createAuditorBench } from "./testing/start-auditor.ts";

const EVENT = { event: "call.decided", outcome: "allow", subject: "files__read_file" };

let bench: AuditorBench;
beforeEach(async () => {
  bench = await createAuditorBench();
});
afterEach(() => bench.end());

const logPath = () => join(bench.directory, "audit.jsonl");

async function clientOf(name: ServiceName, port: number) {
  const client = await bench.clientOf(name, port);
  return (body: unknown) => client.call(AuditReceipt, { method: "POST", path: "/v1/records", body });
}

describe("the auditor", () => {
  it("records what services ask it to, under the name in their certificate", async () => {
    const { port } = await bench.start();
    const names: ServiceName[] = ["broker", "egress-filter"];
    for (const name of names) expect((await (await clientOf(name, port))(EVENT)).ok).toBe(true);
    expect(bench.readLog()).toMatchObject([
      { ...EVENT, seq: 1, service: "broker", previous: "0".repeat(64) },
      { ...EVENT, seq: 2, service: "egress-filter", previous: bench.readLog()[0]?.["hash"] },
    ]);
  });

  it("refuses a caller with a certificate of another stack, or with none", async () => {
    const { port } = await bench.start();
    const ours = await bench.identityOf("broker");
    const theirs = await (await createStackIdentities())("broker");
    for (const identity of [{ ...theirs, ca: ours.ca }, { ca: ours.ca }]) {
      const outcome = new Promise<string>((resolve) => {
        const call = request({ ...identity, host: "localhost", port, path: "/v1/records", method: "POST" });
        call.on("response", () => resolve("answered")).on("error", () => resolve("refused"));
        call.end(JSON.stringify(EVENT));
      });
      expect(await outcome).toBe("refused");
    }
    expect(readFileSync(logPath(), "utf8")).toBe("");
  });

  it.each([
    ["an event with an extra field", { ...EVENT, seq: 9 }, "request_invalid"],
    ["an event that names its own service", { ...EVENT, service: "broker" }, "request_invalid"],
    ["no event", undefined, "request_invalid"],
    ["text that is not Unicode", { ...EVENT, subject: "\ud83e" }, "request_invalid"],
    ["more than 64 KiB", { ...EVENT, detail: { text: "x".repeat(65_536) } }, "body_too_large"],
  ])("refuses %s", async (_what, body, code) => {
    const { port } = await bench.start();
    const post = await clientOf("broker", port);
    expect(await post(body)).toMatchObject({ ok: false, problem: { code } });
    expect(await post(EVENT)).toMatchObject({ ok: true, value: { seq: 1 } });
  });

  it("answers service_unavailable when the log is not what it wrote any more", async () => {
    const { port, service } = await bench.start();
    const post = await clientOf("broker", port);
    await post(EVENT);
    truncateSync(logPath(), 10);
    expect(await post(EVENT)).toMatchObject({
      ok: false,
      problem: {
        code: "service_unavailable",
        detail: expect.stringContaining("audit log cannot be written"),
      },
    });
    expect(await service.readiness["log"]?.()).toBe(false);
  });

  it("records how much a crash had torn off, and continues the chain", async () => {
    const first = await bench.start();
    await (await clientOf("broker", first.port))(EVENT);
    await first.stop();
    writeFileSync(logPath(), '{"event":"call.deci', { flag: "a" });
    const second = await bench.start();
    expect(await (await clientOf("broker", second.port))(EVENT)).toMatchObject({
      ok: true,
      value: { seq: 3 },
    });
    expect(bench.readLog()[1]).toMatchObject({
      event: "audit.recovered",
      service: "auditor",
      detail: { bytes: 19 },
    });
    const lines: string[] = [];
    expect(await runCommand("verify", [], bench.settings, (line) => lines.push(line))).toBe(0);
    expect(lines).toEqual([`3 records, chain intact, last hash ${bench.readLog()[2]?.["hash"] as string}`]);
  });
});

describe("the auditor's commands", () => {
  const run = async (...[command = "", ...args]: string[]) => {
    const lines: string[] = [];
    return { code: await runCommand(command, args, bench.settings, (line) => lines.push(line)), lines };
  };

  it("verify names the line at fault, also of another file", async () => {
    const { port, stop } = await bench.start();
    const post = await clientOf("broker", port);
    for (let count = 0; count < 3; count += 1) await post(EVENT);
    await stop();
    const copy = join(bench.directory, "copy.jsonl");
    const log = readFileSync(logPath(), "utf8").split("\n");
    writeFileSync(copy, [log[0], log[1]?.replace("allow", "deny"), log[2], ""].join("\n"));
    const { code, lines } = await run("verify", copy);
    expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringMatching(/^line 2: .*was changed$/)] });
    expect((await run("tail", "2")).lines).toEqual(log.slice(1, 3));
    expect((await run("tail")).lines).toHaveLength(3);
  });

  it("export prints the checked records after a number, as they are or as OCSF, and what is wrong beside", async () => {
    const { port, stop } = await bench.start();
    const post = await clientOf("egress-filter", port);
    for (let count = 0; count < 3; count += 1) await post({ ...EVENT, event: "egress.decided" });
    await stop();
    const log = readFileSync(logPath(), "utf8");
    const lines = log.trimEnd().split("\n");
    expect(await run("export")).toEqual({ code: 0, lines });
    expect(await run("export", "--since", "2")).toEqual({ code: 0, lines: lines.slice(2) });
    expect(await run("export", "--since", "3")).toEqual({ code: 0, lines: [] });
    const ocsf = await run("export", "--since", "1", "--ocsf");
    expect(ocsf.lines.map((line) => JSON.parse(line))).toMatchObject([
      { class_uid: 4001, metadata: { sequence: 2 } },
      { class_uid: 4001, metadata: { sequence: 3 } },
    ]);

    // Somebody is writing: half a line is no mistake. A changed one is, and nothing after it is printed.
    writeFileSync(logPath(), `${log}{"event"`);
    expect(await run("export")).toEqual({ code: 0, lines });
    writeFileSync(logPath(), `${lines[0]}\n${lines[1]?.replace("allow", "deny")}\n${lines[2]}\n`);
    const printed: string[] = [];
    const complaints: string[] = [];
    const code = await runCommand(
      "export",
      [],
      bench.settings,
      (line) => printed.push(line),
      (line) => complaints.push(line),
    );
    expect({ code, printed, complaints }).toEqual({
      code: 1,
      printed: lines.slice(0, 1),
      complaints: [expect.stringMatching(/^line 2: .*was changed$/)],
    });
  });

  it.each([
    ["an unknown command", ["show"], 64, "usage:"],
    ["tail without a number", ["tail", "many"], 64, "usage:"],
    ["tail of nothing", ["tail", "0"], 64, "usage:"],
    ["export since nothing", ["export", "--since"], 64, "usage:"],
    ["export since a word", ["export", "--since", "monday"], 64, "usage:"],
    ["export of a file", ["export", "other.jsonl"], 64, "usage:"],
    ["export of a log that is not there", ["export"], 1, "cannot be read"],
    ["a file that is not there", ["verify", "/nowhere/audit.jsonl"], 1, "cannot be read"],
  ])("refuse %s", async (_what, args, code, text) => {
    expect(await run(...args)).toEqual({ code, lines: [expect.stringContaining(text)] });
  });
});
