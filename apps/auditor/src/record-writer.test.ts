import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GENESIS_HASH, verifyLog } from "@claws/audit-log";
import { AuditEvent } from "@claws/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LogFile, openLogFile } from "./log-file.ts";
import { createRecordWriter, WriteRefused } from "./record-writer.ts";

const EVENT = AuditEvent.parse({ event: "call.decided", outcome: "allow", subject: "files__read_file" });
const START = { seq: 0, hash: GENESIS_HASH, offset: 0 };
const now = () => new Date("2026-01-02T03:04:05.000Z");

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "auditor-"));
  path = join(directory, "audit.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true }));

async function verifyFile() {
  const file = await openLogFile(path);
  const verification = await verifyLog(file.lines(await file.completeSize()));
  await file.close();
  return verification;
}

/** A disk that is full after half of a write, as often as it is told to. */
function fillUp(file: LogFile, failures: { left: number; truncate?: boolean }): LogFile {
  const full = () => Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  return {
    ...file,
    async append(bytes) {
      if (failures.left === 0) return file.append(bytes);
      failures.left -= 1;
      await file.append(bytes.subarray(0, bytes.length / 2));
      throw full();
    },
    async truncate(size) {
      if (failures.truncate) throw full();
      await file.truncate(size);
    },
  };
}

describe("the record writer", () => {
  it("chains 500 concurrent events, each sequence number once and in order of arrival", async () => {
    const file = await openLogFile(path);
    let appends = 0;
    const counting = { ...file, append: (bytes: Buffer) => ((appends += 1), file.append(bytes)) };
    const writer = createRecordWriter({ file: counting, end: START, now });
    const receipts = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        writer.append({ ...EVENT, subject: `call ${index}` }, "broker"),
      ),
    );
    await writer.close();
    expect(receipts.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    expect(await verifyFile()).toEqual({ ok: true, records: 500, lastHash: receipts.at(-1)?.hash });
    expect(readFileSync(path, "utf8").split("\n")[499]).toContain('"subject":"call 499"');
    expect(appends).toBe(2);
  });

  it("answers only when the disk has the record", async () => {
    const file = await openLogFile(path);
    const disk = Promise.withResolvers<void>();
    const slow = { ...file, append: async (bytes: Buffer) => (await disk.promise, file.append(bytes)) };
    const writer = createRecordWriter({ file: slow, end: START, now });
    let answered = false;
    const receipt = writer.append(EVENT, "broker").then(() => (answered = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    disk.resolve();
    await receipt;
    await writer.close();
  });

  const SPOOL = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b10";
  const batchOf = (first: number, count: number) => ({
    spool: SPOOL,
    first,
    events: Array.from({ length: count }, () => EVENT),
  });
  const numbersInLog = () =>
    readFileSync(path, "utf8")
      .split("\n")
      .slice(0, -1)
      .flatMap((line) => JSON.parse(line).spoolSeq ?? []);

  it("writes each number of a spool once also when batches overlap in one write", async () => {
    const writer = createRecordWriter({ file: await openLogFile(path), end: START, now });
    const outcomes = [
      writer.append(EVENT, "broker"),
      ...[1, 1, 2, 6, 5].map((first) => writer.appendBatch(batchOf(first, 3), "broker")),
    ];
    expect((await Promise.all(outcomes)).slice(1)).toEqual([
      { ok: true, through: 3 },
      { ok: true, through: 3 },
      { ok: true, through: 4 },
      { ok: false, expected: 5 },
      { ok: true, through: 7 },
    ]);
    await writer.close();
    expect(numbersInLog()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await verifyFile()).toMatchObject({ ok: true, records: 8 });
  });

  it("takes a batch again that the disk did not take, and writes nothing for one that it has", async () => {
    const file = await openLogFile(path);
    const failures = { left: 1 };
    const writer = createRecordWriter({ file: fillUp(file, failures), end: START, now });
    await expect(writer.appendBatch(batchOf(1, 2), "broker")).rejects.toThrow(WriteRefused);
    expect(await writer.appendBatch(batchOf(1, 2), "broker")).toEqual({ ok: true, through: 2 });
    failures.left = 1;
    expect(await writer.appendBatch(batchOf(1, 2), "broker")).toEqual({ ok: true, through: 2 });
    failures.left = 0;
    await writer.close();
    expect(numbersInLog()).toEqual([1, 2]);
  });

  it("counts the events of batches that wait for the disk", async () => {
    const file = await openLogFile(path);
    const disk = Promise.withResolvers<void>();
    const stalled = { ...file, append: async (bytes: Buffer) => (await disk.promise, file.append(bytes)) };
    const writer = createRecordWriter({ file: stalled, end: START, now });
    const accepted = Array.from({ length: 9 }, (_, index) =>
      writer.appendBatch(batchOf(1 + index * 500, 500), "broker"),
    );
    await expect(writer.appendBatch(batchOf(4_501, 500), "broker")).rejects.toThrow("waiting for the disk");
    disk.resolve();
    expect((await Promise.all(accepted)).at(-1)).toEqual({ ok: true, through: 4_500 });
    await writer.close();
  });

  it("refuses what a full disk did not take, cuts off the half, and goes on when there is room", async () => {
    const file = await openLogFile(path);
    const writer = createRecordWriter({ file: fillUp(file, { left: 0 }), end: START, now });
    const first = await writer.append(EVENT, "broker");
    await writer.close();

    const again = await openLogFile(path);
    const failures = { left: 2 };
    const end = { ...first, offset: await again.size() };
    const refusing = createRecordWriter({ file: fillUp(again, failures), end, now });
    await expect(refusing.append(EVENT, "broker")).rejects.toThrow(WriteRefused);
    expect(refusing.isWritable()).toBe(false);
    expect(await again.size()).toBe(end.offset);
    await expect(refusing.append(EVENT, "broker")).rejects.toThrow(WriteRefused);
    expect(await refusing.append(EVENT, "broker")).toMatchObject({ seq: 2 });
    expect(refusing.isWritable()).toBe(true);
    await refusing.close();
    expect(await verifyFile()).toMatchObject({ ok: true, records: 2 });
  });

  it("writes nothing behind a half record that it could not cut off", async () => {
    const file = await openLogFile(path);
    const failures = { left: 1, truncate: true };
    const writer = createRecordWriter({ file: fillUp(file, failures), end: START, now });
    await expect(writer.append(EVENT, "broker")).rejects.toThrow(WriteRefused);
    await expect(writer.append(EVENT, "broker")).rejects.toThrow(WriteRefused);
    failures.truncate = false;
    expect(await writer.append(EVENT, "broker")).toMatchObject({ seq: 1 });
    await writer.close();
    expect(await verifyFile()).toMatchObject({ ok: true, records: 1 });
  });

  it.each([
    ["added a line", () => appendFile(path, "{}\n")],
    ["emptied the file", async () => writeFileSync(path, "")],
    ["deleted the file", async () => rmSync(path)],
  ])("refuses from then on when somebody else %s", async (_what, tamper) => {
    const writer = createRecordWriter({ file: await openLogFile(path), end: START, now });
    await writer.append(EVENT, "broker");
    await tamper();
    await expect(writer.append(EVENT, "broker")).rejects.toThrow(WriteRefused);
    await expect(writer.append(EVENT, "broker")).rejects.toThrow(WriteRefused);
    expect(writer.isWritable()).toBe(false);
    await writer.close();
  });

  it("refuses when too many records wait for the disk, and after it was closed", async () => {
    const file = await openLogFile(path);
    const disk = Promise.withResolvers<void>();
    const stalled = { ...file, append: async (bytes: Buffer) => (await disk.promise, file.append(bytes)) };
    const writer = createRecordWriter({ file: stalled, end: START, now });
    const accepted = Array.from({ length: 4_097 }, () => writer.append(EVENT, "broker"));
    await expect(writer.append(EVENT, "broker")).rejects.toThrow("waiting for the disk");
    disk.resolve();
    await Promise.all(accepted);
    await writer.close();
    await expect(writer.append(EVENT, "broker")).rejects.toThrow("stopping");
  });
});
