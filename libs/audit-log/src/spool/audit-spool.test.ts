import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEvent } from "@claws/contracts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AuditSpool, type AuditSpoolOptions, createAuditSpool } from "./audit-spool.ts";
import type { ShipResult } from "./ship.ts";
import { createMemoryAuditor, type MemoryAuditor } from "./testing/memory-auditor.ts";

let directory: string;
let auditor: MemoryAuditor;
let isAway: boolean;
let time: number;
const opened: AuditSpool[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "spool-"));
  auditor = createMemoryAuditor();
  isAway = false;
  time = Date.parse("2026-01-02T03:04:05.000Z");
});
afterEach(async () => {
  for (const spool of opened.splice(0)) await spool.close();
  rmSync(directory, { recursive: true });
});

function open(options: Partial<AuditSpoolOptions> = {}): AuditSpool {
  const spool = createAuditSpool({
    directory,
    name: "egress-filter",
    ship: async (batch) => (isAway ? { ok: false, reason: "away" } : auditor.take(batch)),
    now: () => time,
    ...options,
  });
  opened.push(spool);
  return spool;
}

const eventOf = (subject: string, detail = {}): AuditEvent => ({
  event: "egress.decided",
  outcome: "allow",
  subject,
  detail,
});
const files = () => readdirSync(directory).sort();
const arrived = () => auditor.events.map(({ subject }) => subject);
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}`);

describe("a spool", () => {
  it("has an event on disk when append returns, with the time, and ships it by itself", async () => {
    const spool = open();
    expect(spool.append(eventOf("a.test:443"))).toBe(true);
    const [file = ""] = files();
    expect(readFileSync(join(directory, file), "utf8")).toBe(
      '{"event":"egress.decided","outcome":"allow","subject":"a.test:443","at":"2026-01-02T03:04:05.000Z","detail":{}}\n',
    );
    expect(auditor.batches).toEqual([]);
    await vi.waitFor(() => expect(spool.state().backlog).toBe(0));
    expect(auditor.events).toEqual([{ ...eventOf("a.test:443"), at: "2026-01-02T03:04:05.000Z" }]);
    expect(spool.state()).toEqual({ backlog: 0, lagMs: 0, isOpen: true, failure: null });
  });

  it("groups what arrives while a batch is under way, at most 500 and less than 1 MiB of one spool", async () => {
    const answer = Promise.withResolvers<void>();
    const spool = open({ ship: (batch) => answer.promise.then(() => auditor.take(batch)) });
    for (const number of numbers(1_200)) spool.append(eventOf(number));
    for (const number of ["a", "b", "c", "d"]) spool.append(eventOf(number, { text: "x".repeat(60_000) }));
    answer.resolve();
    await spool.flush();
    expect(arrived()).toEqual([...numbers(1_200), "a", "b", "c", "d"]);
    expect(auditor.batches.map(({ events }) => events.length)).toEqual([500, 500, 204]);
    for (let count = 0; count < 40; count += 1) spool.append(eventOf("x", { text: "x".repeat(60_000) }));
    await spool.flush();
    for (const batch of auditor.batches) expect(JSON.stringify(batch).length).toBeLessThan(1024 * 1024);
    expect(auditor.events).toHaveLength(1_244);
  });

  it("writes what may wait with the next event, in its order, and by itself before long", async () => {
    let writes = 0;
    const write = (fd: number, line: string) => {
      writes++;
      return writeSync(fd, line);
    };
    const spool = open({ write });
    spool.appendLater(eventOf("1"));
    spool.appendLater(eventOf("2"));
    expect(writes).toBe(0);
    expect(spool.append(eventOf("3"))).toBe(true);
    expect(writes).toBe(1);
    spool.appendLater(eventOf("4"));
    await vi.waitFor(() => expect(writes).toBe(2));
    spool.appendLater(eventOf("5"));
    await spool.close();
    expect(arrived()).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("refuses when more events wait than its bound, and takes them again when they are gone", async () => {
    isAway = true;
    const spool = open({ maxBacklog: 10 });
    expect(numbers(12).map((number) => spool.append(eventOf(number)))).toEqual([
      ...Array(10).fill(true),
      false,
      false,
    ]);
    await spool.flush();
    expect(spool.state()).toMatchObject({ backlog: 10, isOpen: false, failure: "away" });
    isAway = false;
    await spool.flush();
    expect(spool.state()).toMatchObject({ backlog: 0, isOpen: true, failure: null });
    expect(spool.append(eventOf("13"))).toBe(true);
    await spool.flush();
    expect(arrived()).toEqual([...numbers(10), "13"]);
  });

  it("refuses when an event has waited for longer than its bound, and recovers", async () => {
    isAway = true;
    const spool = open({ maxLagMs: 5_000 });
    expect(spool.append(eventOf("1"))).toBe(true);
    time += 5_000;
    expect(spool.append(eventOf("2"))).toBe(true);
    time += 1;
    expect(spool.append(eventOf("3"))).toBe(false);
    expect(spool.state()).toMatchObject({ backlog: 2, lagMs: 5_001, isOpen: false });
    isAway = false;
    await spool.flush();
    expect(spool.append(eventOf("4"))).toBe(true);
    await spool.flush();
    expect(arrived()).toEqual(["1", "2", "4"]);
  });

  it("refuses when its backlog is large in bytes", async () => {
    isAway = true;
    const spool = open();
    let count = 0;
    while (count < 10_000 && spool.append(eventOf("x", { text: "x".repeat(60_000) }))) count += 1;
    expect(count).toBeLessThan(300);
    isAway = false;
    await spool.flush();
    expect(auditor.events).toHaveLength(count);
  });

  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  it.each([
    ["longer than 64 KiB", eventOf("a", { text: "x".repeat(65_536) })],
    ["not of the schema", eventOf("a".repeat(501))],
    ["not Unicode", eventOf("\ud83e")],
    ["not Unicode in a key", eventOf("a", { "\ude00": 1 })],
    ["endless", eventOf("a", loop)],
    ["not JSON", eventOf("a", { number: 1n })],
  ])("refuses an event that is %s, and goes on", async (_what, event) => {
    const spool = open();
    expect(spool.append(event)).toBe(false);
    expect(spool.append(eventOf("\u{1f980} \\ud83e"))).toBe(true);
    await spool.flush();
    expect(arrived()).toEqual(["\u{1f980} \\ud83e"]);
  });

  it("retries after a pause when the auditor fails or throws, and never sends two batches at once", async () => {
    const answers: (ShipResult | Error)[] = [{ ok: false }, new Error("broken"), { ok: true, through: 0 }];
    let underWay = 0;
    const spool = open({
      ship: async (batch) => {
        expect((underWay += 1)).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        const answer = answers.shift() ?? auditor.take(batch);
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
    spool.append(eventOf("1"));
    await vi.waitFor(() => expect(spool.state().failure).toContain("broken"));
    spool.append(eventOf("2"));
    await Promise.all([spool.flush(), spool.flush()]);
    await vi.waitFor(() => expect(spool.state().backlog).toBe(0));
    expect(arrived()).toEqual(["1", "2"]);
  });

  it("refuses on a full disk, leaves no half line, and goes on when there is room", async () => {
    const disk = { room: Number.POSITIVE_INFINITY };
    isAway = true;
    const spool = open({
      write(fd, line) {
        const taken = Math.min(Buffer.byteLength(line), disk.room);
        if (taken === 0)
          throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
        return writeSync(fd, line.slice(0, taken));
      },
    });
    expect(spool.append(eventOf("1"))).toBe(true);
    for (const room of [0, 1, 30]) {
      disk.room = room;
      expect(spool.append(eventOf("lost"))).toBe(false);
      expect(spool.state().failure).toMatch(/ENOSPC|probably full/);
    }
    disk.room = Number.POSITIVE_INFINITY;
    expect(spool.append(eventOf("2"))).toBe(true);
    const [file = ""] = files();
    const lines = readFileSync(join(directory, file), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).subject)).toEqual(["1", "2"]);
    isAway = false;
    await spool.flush();
    expect(arrived()).toEqual(["1", "2"]);
  });

  it("keeps its files short while it is never quite empty", async () => {
    const spool = open({ maxBacklog: 100_000 });
    const lengths: number[] = [];
    for (let count = 0; count < 400; count += 1) {
      spool.append(eventOf(`${count}`, { text: "x".repeat(50_000) }));
      if (count % 20 === 19) {
        await new Promise((resolve) => setImmediate(resolve));
        lengths.push(files().reduce((sum, file) => sum + statSync(join(directory, file)).size, 0));
      }
    }
    await spool.flush();
    expect(arrived()).toHaveLength(400);
    expect(Math.max(...lengths)).toBeLessThan(10 * 1024 * 1024);
    await spool.close();
    expect(files()).toEqual([]);
  });
});

describe("a spool that finds an older one", () => {
  async function leaveBehind(...subjects: string[]): Promise<string> {
    isAway = true;
    const before = files();
    const spool = open();
    for (const subject of subjects) spool.append(eventOf(subject));
    await spool.close();
    isAway = false;
    return join(directory, files().find((file) => !before.includes(file)) ?? "");
  }

  it("ships that first, then its own, and removes it", async () => {
    await leaveBehind("1", "2");
    await leaveBehind("3");
    const spool = open();
    expect(spool.state()).toMatchObject({ backlog: 3, lagMs: 0, isOpen: true });
    spool.append(eventOf("4"));
    await spool.flush();
    expect(arrived()).toEqual(["1", "2", "3", "4"]);
    expect(files()).toHaveLength(1);
    expect(new Set(auditor.batches.map((batch) => batch.spool)).size).toBe(3);
  });

  it("sends what was shipped before again, under the same numbers", async () => {
    isAway = true;
    const spool = open();
    spool.append(eventOf("1"));
    spool.append(eventOf("2"));
    const [file = ""] = files();
    const copy = readFileSync(join(directory, file));
    isAway = false;
    await spool.close();
    writeFileSync(join(directory, file), copy);
    await open().flush();
    expect(auditor.batches).toHaveLength(2);
    expect(arrived()).toEqual(["1", "2"]);
  });

  it.each([
    ["a torn line", '{"event":"egr', []],
    ["zeros of a power cut", "\0\0\0\0", []],
    ["a damaged line", '{"event":"egr\n', ["damaged 3"]],
    ["a line that is no event", '{"event":1}\n{}\n', ["damaged 3", "damaged 4"]],
    ["a long line", `${JSON.stringify(eventOf("a", { text: "x".repeat(70_000) }))}\n`, ["damaged 3"]],
    ["half a surrogate pair", `${JSON.stringify(eventOf("\ud83e"))}\n`, ["damaged 3"]],
    ["a deep line", `${"[".repeat(60_000)}\n`, ["damaged 3"]],
    ["a damaged line before good ones", `\n${JSON.stringify(eventOf("4"))}\n`, ["damaged 3", "4"]],
  ])("ships what is whole before %s", async (_what, rest, expected) => {
    const path = await leaveBehind("1", "2");
    appendFileSync(path, rest);
    const spool = open();
    spool.append(eventOf("mine"));
    await spool.flush();
    const seen = auditor.events.map(({ event, subject }) =>
      event === "audit.damaged" ? `damaged ${subject.split(" ")[1]}` : subject,
    );
    expect(seen).toEqual(["1", "2", ...expected, "mine"]);
    expect(files()).toHaveLength(1);
  });

  it("leaves files alone that are of another name or none of its own", async () => {
    writeFileSync(join(directory, "egress-filter-2.000001.000000000001.x.jsonl"), "x");
    writeFileSync(join(directory, "notes.txt"), "x");
    await open().close();
    await leaveBehind("1");
    await open({ name: "egress" }).close();
    expect(files()).toHaveLength(3);
  });

  it("says what to do when the directory is missing, and refuses a name that is a path", () => {
    expect(() => open({ directory: join(directory, "absent") })).toThrow("make it exist and writable");
    expect(() => open({ name: "../x" })).toThrow("a name is a-z, 0-9 and -");
  });
});

describe("a closed spool", () => {
  it("refuses, and leaves what the auditor did not take", async () => {
    isAway = true;
    const spool = open();
    spool.append(eventOf("1"));
    await vi.waitFor(() => expect(spool.state().failure).toBe("away"));
    await spool.close();
    expect(spool.append(eventOf("2"))).toBe(false);
    expect(spool.state()).toMatchObject({ backlog: 1, isOpen: false });
    expect(files()).toHaveLength(1);
    await spool.close();
  });
});
