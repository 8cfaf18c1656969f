import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuditSpool, createShip } from "@claws/audit-log";
import { AuditBatchReceipt, AuditReceipt, type ServiceName } from "@claws/contracts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommand } from "./run-command.ts";
import { type AuditorBench, createAuditorBench } from "./testing/start-auditor.ts";

const SPOOL = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b10";
const EVENT = { event: "egress.decided", outcome: "allow", subject: "a.test:443" } as const;

let bench: AuditorBench;
beforeEach(async () => {
  bench = await createAuditorBench();
});
afterEach(() => bench.end());

const eventsOf = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...EVENT, subject: `${first + index}` }));
const batchOf = (first: number, count: number, spool = SPOOL) => ({
  spool,
  first,
  events: eventsOf(first, count),
});

async function batchesOf(name: ServiceName, port: number) {
  const client = await bench.clientOf(name, port);
  return (body: unknown) => client.call(AuditBatchReceipt, { method: "POST", path: "/v1/batches", body });
}

const through = (number: number) => ({ ok: true, value: { through: number } });
const verify = () => runCommand("verify", [], bench.settings, () => {});

describe("batches of a spool", () => {
  it("are records with the spool's numbers, chained, each written once", async () => {
    const { port } = await bench.start();
    const post = await batchesOf("egress-filter", port);
    expect(await post(batchOf(1, 3))).toEqual(through(3));
    expect(await post(batchOf(1, 3))).toEqual(through(3));
    expect(await post(batchOf(2, 4))).toEqual(through(5));
    expect(bench.readLog()).toMatchObject(
      [1, 2, 3, 4, 5].map((number) => ({
        seq: number,
        spool: SPOOL,
        spoolSeq: number,
        subject: `${number}`,
        service: "egress-filter",
      })),
    );
    expect(await verify()).toBe(0);
    const log = join(bench.directory, "audit.jsonl");
    writeFileSync(log, readFileSync(log, "utf8").replace('"spoolSeq":2', '"spoolSeq":3'));
    expect(await verify()).toBe(1);
  });

  it("are written once when the same ones arrive at the same moment, among other records", async () => {
    const { port } = await bench.start();
    const post = await batchesOf("egress-filter", port);
    const client = await bench.clientOf("broker", port);
    const single = () => client.call(AuditReceipt, { method: "POST", path: "/v1/records", body: EVENT });
    await post(batchOf(1, 1));
    const answers = await Promise.all([
      post(batchOf(1, 300)),
      single(),
      post(batchOf(1, 200)),
      post(batchOf(1, 300)),
      single(),
    ]);
    expect(answers.every(({ ok }) => ok)).toBe(true);
    const numbers = bench.readLog().flatMap(({ spoolSeq }) => spoolSeq ?? []);
    expect(numbers).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(bench.readLog()).toHaveLength(302);
  });

  it("of one service are not those of another with the same name", async () => {
    const { port } = await bench.start();
    expect(await (await batchesOf("egress-filter", port))(batchOf(1, 2))).toEqual(through(2));
    expect(await (await batchesOf("broker", port))(batchOf(1, 2))).toEqual(through(2));
    expect(bench.readLog().map(({ service }) => service)).toEqual([
      "egress-filter",
      "egress-filter",
      "broker",
      "broker",
    ]);
  });

  it("are refused after a gap, with the number that comes next", async () => {
    const { port } = await bench.start();
    const post = await batchesOf("egress-filter", port);
    await post(batchOf(1, 3));
    expect(await post(batchOf(5, 1))).toMatchObject({
      ok: false,
      problem: {
        code: "request_invalid",
        expected: 4,
        detail: expect.stringContaining("number 5 came where 4 comes next"),
      },
    });
    expect(await post(batchOf(4, 2))).toEqual(through(5));
    expect(bench.readLog()).toHaveLength(5);
  });

  it("are known after a restart, also when a crash tore the last of them", async () => {
    const first = await bench.start();
    await (await batchesOf("egress-filter", first.port))(batchOf(1, 4));
    await first.stop();
    const log = join(bench.directory, "audit.jsonl");
    writeFileSync(log, readFileSync(log, "utf8").slice(0, -20));
    const second = await bench.start();
    const post = await batchesOf("egress-filter", second.port);
    expect(await post(batchOf(6, 1))).toMatchObject({ ok: false, problem: { expected: 4 } });
    expect(await post(batchOf(1, 6))).toEqual(through(6));
    expect(bench.readLog().flatMap(({ spoolSeq }) => spoolSeq ?? [])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await verify()).toBe(0);
  });

  it("of a spool that began before this log are taken, and the log says what it misses", async () => {
    const { port } = await bench.start();
    const post = await batchesOf("egress-filter", port);
    expect(await post(batchOf(41, 2))).toEqual(through(42));
    expect(await post(batchOf(43, 1))).toEqual(through(43));
    expect(bench.readLog()).toMatchObject([
      {
        event: "audit.gap",
        service: "auditor",
        subject: SPOOL,
        detail: { service: "egress-filter", missing: 40 },
      },
      { spoolSeq: 41 },
      { spoolSeq: 42 },
      { spoolSeq: 43 },
    ]);
  });

  const long = (bytes: number) => ({ ...EVENT, detail: { text: "x".repeat(bytes) } });
  it.each([
    ["no events", { ...batchOf(1, 1), events: [] }, "request_invalid"],
    ["too many events", batchOf(1, 501), "request_invalid"],
    ["number 0", { ...batchOf(1, 1), first: 0 }, "request_invalid"],
    ["numbers that no double holds", batchOf(Number.MAX_SAFE_INTEGER, 2), "request_invalid"],
    ["a spool without a UUID", batchOf(1, 1, "mine"), "request_invalid"],
    [
      "an event with a place of its own",
      { ...batchOf(1, 1), events: [{ ...EVENT, spoolSeq: 1 }] },
      "request_invalid",
    ],
    [
      "text that is not Unicode",
      { ...batchOf(1, 1), events: [{ ...EVENT, subject: "\ud83e" }] },
      "request_invalid",
    ],
    ["an event of more than 64 KiB", { ...batchOf(1, 1), events: [EVENT, long(65_536)] }, "request_invalid"],
    ["more than 1 MiB", { ...batchOf(1, 1), events: Array(20).fill(long(60_000)) }, "body_too_large"],
  ])("are refused whole with %s", async (_what, body, code) => {
    const { port } = await bench.start();
    const post = await batchesOf("egress-filter", port);
    expect(await post(body)).toMatchObject({ ok: false, problem: { code } });
    expect(bench.readLog()).toEqual([]);
    expect(await post({ ...batchOf(1, 1), events: Array(16).fill(long(60_000)) })).toEqual(through(16));
    expect(await verify()).toBe(0);
  });
});

describe("a spool in front of the auditor", () => {
  it("has every event in the log once, over restarts of the auditor at any moment", async () => {
    const directory = mkdtempSync(join(tmpdir(), "spool-"));
    let auditor = await bench.start();
    const { port } = auditor;
    const ship = createShip(await bench.clientOf("egress-filter", port));
    const spool = createAuditSpool({ directory, name: "egress-filter", ship, maxLagMs: 60_000 });
    const appended: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      for (let turn = 0; turn < 20; turn += 1) {
        for (let count = 0; count < 40; count += 1) {
          const subject = randomUUID();
          if (spool.append({ ...EVENT, subject })) appended.push(subject);
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await auditor.stop();
      auditor = await bench.start(port);
    }
    await vi.waitFor(() => expect(spool.state().backlog).toBe(0), 10_000);
    await spool.close();
    expect(appended).toHaveLength(3_200);
    expect(bench.readLog().map(({ subject }) => subject)).toEqual(appended);
    expect(await verify()).toBe(0);
    rmSync(directory, { recursive: true });
  });
});
