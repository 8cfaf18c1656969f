import { AuditEvent } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { GENESIS_HASH, isSealable, sealRecord, writeLine } from "./seal-record.ts";
import { verifyLog } from "./verify-log.ts";

const LOG = createLog(5);

function createLog(length: number): readonly string[] {
  const lines: string[] = [];
  let previous = GENESIS_HASH;
  for (let seq = 1; seq <= length; seq += 1) {
    const event = AuditEvent.parse({
      event: "call.decided",
      outcome: "allow",
      agent: "researcher",
      subject: `files__read_file \u2028 ${seq}`,
      detail: { b: [1, 2.5, null], a: "ö" },
    });
    const record = sealRecord(event, { seq, time: "2026-01-02T03:04:05.000Z", service: "broker", previous });
    lines.push(writeLine(record));
    previous = record.hash;
  }
  return lines;
}

function verify(lines: readonly string[]) {
  return verifyLog(
    (async function* () {
      yield* lines;
    })(),
  );
}

function rehash(line: string, change: (record: Record<string, unknown>) => void): string {
  const { hash: _hash, ...record } = JSON.parse(line);
  change(record);
  const { seq, time, service, previous, ...event } = record;
  return writeLine(sealRecord(event, { seq, time, service, previous }));
}

describe("verifyLog", () => {
  it("accepts an untouched log and names its last hash", async () => {
    const lastHash = JSON.parse(LOG[4] ?? "").hash;
    expect(await verify(LOG)).toEqual({ ok: true, records: 5, lastHash });
  });

  it("accepts an empty log", async () => {
    expect(await verify([])).toEqual({ ok: true, records: 0, lastHash: GENESIS_HASH });
  });

  const [one = "", two = "", three = "", four = "", five = ""] = LOG;
  const unknownKey = two.replace("{", '{"aaa":1,');
  it.each([
    ["a changed value", [one, two.replace("allow", "deny"), three], 2, "does not match its hash"],
    [
      "a changed character in a string",
      [one, two.replace("files", "filer"), three],
      2,
      "does not match its hash",
    ],
    ["a changed hash", [one, two, three.replace(/"hash":"./, '"hash":"g')], 3, "not an audit record: hash"],
    ["a line that is not JSON", [one, `x${two}`, three], 2, "not JSON"],
    ["an empty line", [one, "", two], 2, "not JSON"],
    ["an unknown key", [one, unknownKey, three], 2, "not an audit record"],
    ["a removed line", [one, three, four], 2, "sequence number 3 where 2 belongs"],
    ["a removed first line", [two, three], 1, "sequence number 2 where 1 belongs"],
    ["swapped lines", [one, three, two, four], 2, "sequence number 3"],
    ["a repeated line", [one, two, two], 3, "sequence number 2 where 3 belongs"],
    ["a truncated last line", [one, two, three.slice(0, -1)], 3, "cut off"],
    [
      "an inserted line",
      [one, rehash(two, (r) => (r["subject"] = "x")), two],
      3,
      "sequence number 2 where 3",
    ],
    [
      "a rewritten line with a new hash",
      [one, rehash(two, (r) => (r["subject"] = "x")), three],
      3,
      "wrong previous",
    ],
    [
      "a line of another log",
      [one, rehash(two, (r) => (r["previous"] = "f".repeat(64)))],
      2,
      "wrong previous",
    ],
    ["an added space", [one, two.replace("{", "{ "), three], 2, "not in canonical form"],
    ["a doubled key", [one, two.replace("{", '{"outcome":"deny",'), three], 2, "not in canonical form"],
    [
      "a change in the last line",
      [one, two, three, four, five.replace("broker", "brokes")],
      5,
      "match its hash",
    ],
  ])("finds %s", async (_what, lines, line, reason) => {
    expect(await verify(lines)).toEqual({ ok: false, line, reason: expect.stringContaining(reason) });
  });

  it("finds any single flipped bit of a line", async () => {
    const bytes = Buffer.from(two);
    for (let index = 0; index < bytes.length; index += 1) {
      const flipped = Buffer.from(bytes);
      flipped[index] = (bytes[index] ?? 0) ^ 1;
      expect(await verify([one, flipped.toString("utf8"), three])).toMatchObject({ ok: false, line: 2 });
    }
  });
});

describe("isSealable", () => {
  it.each([
    ["plain text", "ok", true],
    ["a pair of surrogates", "\u{1f980}", true],
    ["half a pair", "\ud83e", false],
  ])("of %s is %s", (_what, subject, sealable) => {
    expect(isSealable(AuditEvent.parse({ event: "a.b", outcome: "done", subject }))).toBe(sealable);
  });
});
