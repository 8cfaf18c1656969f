import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditEvent } from "@claws/contracts";
import { ConfigError } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLog } from "./open-log.ts";
import { createRecordWriter } from "./record-writer.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "auditor-"));
  path = join(directory, "audit.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true }));

async function writeRecords(count: number): Promise<Buffer> {
  const { file, end } = await openLog(path);
  const writer = createRecordWriter({ file, end, now: () => new Date() });
  const event = AuditEvent.parse({
    event: "call.decided",
    outcome: "allow",
    subject: "ö \u2028 x".repeat(30),
  });
  await Promise.all(Array.from({ length: count }, () => writer.append(event, "broker")));
  await writer.close();
  return readFileSync(path);
}

describe("opening the log", () => {
  it("starts a chain where there is no file", async () => {
    const { file, end, tornBytes } = await openLog(path);
    expect({ end, tornBytes }).toMatchObject({ end: { seq: 0, offset: 0 }, tornBytes: 0 });
    await file.close();
  });

  it("continues the chain of an intact log", async () => {
    await writeRecords(3);
    const size = (await writeRecords(2)).length;
    const { file, end, tornBytes } = await openLog(path);
    expect({ end, tornBytes }).toMatchObject({ end: { seq: 5, offset: size }, tornBytes: 0 });
    await file.close();
  });

  it("cuts off a last line that was torn at any byte, and continues", async () => {
    const whole = await writeRecords(3);
    const lastLine = whole.lastIndexOf("\n", whole.length - 2) + 1;
    for (const length of [lastLine + 1, lastLine + 57, whole.length - 2, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      const { file, end, tornBytes } = await openLog(path);
      expect({ end, tornBytes }).toMatchObject({
        end: { seq: 2, offset: lastLine },
        tornBytes: length - lastLine,
      });
      expect(await file.size()).toBe(lastLine);
      await file.close();
    }
  });

  it("cuts off a torn first line, and one that is longer than a block", async () => {
    for (const torn of ['{"event":', "x".repeat(200_000)]) {
      writeFileSync(path, torn);
      const { file, end, tornBytes } = await openLog(path);
      expect({ seq: end.seq, tornBytes }).toEqual({ seq: 0, tornBytes: torn.length });
      await file.close();
    }
  });

  it.each([
    ["a changed byte", (log: Buffer) => Buffer.from(log.toString().replace("allow", "deny")), "line 1:"],
    ["a byte that is not UTF-8", (log: Buffer) => log.fill(0xff, 900, 901), "line 2: not JSON"],
    ["a removed line", (log: Buffer) => log.subarray(log.indexOf("\n") + 1), "line 1: sequence number 2"],
    [
      "a complete line that is not a record",
      (log: Buffer) => Buffer.concat([log, Buffer.from("{}\n")]),
      "line 4:",
    ],
  ])("refuses to start on %s, and says which line", async (_what, damage, message) => {
    writeFileSync(path, damage(await writeRecords(3)));
    const opening = openLog(path);
    await expect(opening).rejects.toThrow(ConfigError);
    await expect(opening).rejects.toThrow(message);
  });

  it("says what to do when the directory is missing", async () => {
    await expect(openLog(join(directory, "absent", "audit.jsonl"))).rejects.toThrow(
      "make its directory exist",
    );
  });
});
