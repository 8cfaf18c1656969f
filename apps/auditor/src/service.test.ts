import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStackIdentities } from "@claws/certificates";
import { AuditReceipt, type ServiceName } from "@claws/contracts";
import {
  close,
  createLogger,
  createMetrics,
  createServiceClient,
  listen,
  type Service,
  type ServiceIdentity,
} from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "./run-command.ts";
import { createAuditorService } from "./service.ts";
import { Settings } from "./settings.ts";

const EVENT = { event: "call.decided", outcome: "allow", subject: "files__read_file" };

let directory: string;
let identityOf: (service: ServiceName) => Promise<ServiceIdentity>;
const ending: (() => Promise<void>)[] = [];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "auditor-"));
  identityOf = await createStackIdentities();
  writeIdentity(await identityOf("auditor"));
});
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  rmSync(directory, { recursive: true });
});

function writeIdentity({ cert, key, ca }: ServiceIdentity): void {
  for (const [name, content] of Object.entries({ "tls.crt": cert, "tls.key": key, "ca.crt": ca })) {
    writeFileSync(join(directory, name), content);
    chmodSync(join(directory, name), 0o400);
  }
}

function createSettings(): Settings {
  return Settings.parse({
    IDENTITY_DIR: directory,
    LOG_DIR: directory,
    LISTEN_HOST: "127.0.0.1",
    LISTEN_PORT: 0,
  });
}

async function startAuditor(): Promise<{ port: number; service: Service; stop: () => Promise<void> }> {
  const quiet = createLogger("auditor");
  quiet.level = "silent";
  const service = await createAuditorService(createSettings(), {
    logger: quiet,
    metrics: createMetrics("auditor"),
  });
  const [listener] = service.listeners;
  if (listener === undefined) throw new Error("the auditor has a listener");
  const port = await listen(listener.server, listener.port, listener.host);
  const stop = async () => {
    await close(listener.server, 100);
    await service.close?.();
  };
  return { port, service, stop };
}

async function clientOf(name: ServiceName, port: number) {
  const client = createServiceClient({
    target: "auditor",
    host: "localhost",
    port,
    identity: await identityOf(name),
  });
  ending.unshift(() => client.close());
  return (body: unknown) => client.call(AuditReceipt, { method: "POST", path: "/v1/records", body });
}

function readLog(): Record<string, unknown>[] {
  const lines = readFileSync(join(directory, "audit.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

describe("the auditor", () => {
  it("records what services ask it to, under the name in their certificate", async () => {
    const { port, stop } = await startAuditor();
    ending.push(stop);
    const names: ServiceName[] = ["broker", "egress-filter"];
    for (const name of names) expect((await (await clientOf(name, port))(EVENT)).ok).toBe(true);
    expect(readLog()).toMatchObject([
      { ...EVENT, seq: 1, service: "broker", previous: "0".repeat(64) },
      { ...EVENT, seq: 2, service: "egress-filter", previous: readLog()[0]?.["hash"] },
    ]);
  });

  it("refuses a caller with a certificate of another stack, or with none", async () => {
    const { port, stop } = await startAuditor();
    ending.push(stop);
    const ours = await identityOf("broker");
    const theirs = await (await createStackIdentities())("broker");
    for (const identity of [{ ...theirs, ca: ours.ca }, { ca: ours.ca }]) {
      const outcome = new Promise<string>((resolve) => {
        const call = request({ ...identity, host: "localhost", port, path: "/v1/records", method: "POST" });
        call.on("response", () => resolve("answered")).on("error", () => resolve("refused"));
        call.end(JSON.stringify(EVENT));
      });
      expect(await outcome).toBe("refused");
    }
    expect(readFileSync(join(directory, "audit.jsonl"), "utf8")).toBe("");
  });

  it.each([
    ["an event with an extra field", { ...EVENT, seq: 9 }, "request_invalid"],
    ["an event that names its own service", { ...EVENT, service: "broker" }, "request_invalid"],
    ["no event", undefined, "request_invalid"],
    ["text that is not Unicode", { ...EVENT, subject: "\ud83e" }, "request_invalid"],
    ["more than 64 KiB", { ...EVENT, detail: { text: "x".repeat(65_536) } }, "body_too_large"],
  ])("refuses %s", async (_what, body, code) => {
    const { port, stop } = await startAuditor();
    ending.push(stop);
    const post = await clientOf("broker", port);
    expect(await post(body)).toMatchObject({ ok: false, problem: { code } });
    expect(await post(EVENT)).toMatchObject({ ok: true, value: { seq: 1 } });
  });

  it("answers service_unavailable when the log is not what it wrote any more", async () => {
    const { port, service, stop } = await startAuditor();
    ending.push(stop);
    const post = await clientOf("broker", port);
    await post(EVENT);
    truncateSync(join(directory, "audit.jsonl"), 10);
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
    const first = await startAuditor();
    await (await clientOf("broker", first.port))(EVENT);
    await first.stop();
    writeFileSync(join(directory, "audit.jsonl"), '{"event":"call.deci', { flag: "a" });
    const second = await startAuditor();
    ending.push(second.stop);
    expect(await (await clientOf("broker", second.port))(EVENT)).toMatchObject({
      ok: true,
      value: { seq: 3 },
    });
    expect(readLog()[1]).toMatchObject({
      event: "audit.recovered",
      service: "auditor",
      detail: { bytes: 19 },
    });
    const lines: string[] = [];
    expect(await runCommand("verify", [], createSettings(), (line) => lines.push(line))).toBe(0);
    expect(lines).toEqual([`3 records, chain intact, last hash ${readLog()[2]?.["hash"] as string}`]);
  });
});

describe("the auditor's commands", () => {
  const run = async (...[command = "", ...args]: string[]) => {
    const lines: string[] = [];
    return { code: await runCommand(command, args, createSettings(), (line) => lines.push(line)), lines };
  };

  it("verify names the line at fault, also of another file", async () => {
    const { port, stop } = await startAuditor();
    const post = await clientOf("broker", port);
    for (let count = 0; count < 3; count += 1) await post(EVENT);
    await stop();
    const copy = join(directory, "copy.jsonl");
    const log = readFileSync(join(directory, "audit.jsonl"), "utf8").split("\n");
    writeFileSync(copy, [log[0], log[1]?.replace("allow", "deny"), log[2], ""].join("\n"));
    const { code, lines } = await run("verify", copy);
    expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringMatching(/^line 2: .*was changed$/)] });
    expect((await run("tail", "2")).lines).toEqual(log.slice(1, 3));
    expect((await run("tail")).lines).toHaveLength(3);
  });

  it.each([
    ["an unknown command", ["show"], 64, "usage:"],
    ["tail without a number", ["tail", "many"], 64, "usage:"],
    ["tail of nothing", ["tail", "0"], 64, "usage:"],
    ["a file that is not there", ["verify", "/nowhere/audit.jsonl"], 1, "cannot be read"],
  ])("refuse %s", async (_what, args, code, text) => {
    expect(await run(...args)).toEqual({ code, lines: [expect.stringContaining(text)] });
  });
});
