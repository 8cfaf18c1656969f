import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { openConsumedLedger } from "./consumed-ledger.ts";

const directory = mkdtempSync(join(tmpdir(), "claws-ledger-"));
afterAll(() => rmSync(directory, { recursive: true }));
const newPath = () => join(directory, randomUUID(), "consumed-approvals");

describe("the ledger of used approvals", () => {
  it("takes each approval once", () => {
    const ledger = openConsumedLedger(newPath());
    expect(ledger.record("a")).toBe(true);
    expect(ledger.record("b")).toBe(true);
    expect(ledger.record("a")).toBe(false);
    ledger.close();
  });

  it("remembers across restarts", () => {
    const path = newPath();
    for (const id of ["a", "b"]) {
      const ledger = openConsumedLedger(path);
      expect(ledger.record(id)).toBe(true);
      ledger.close();
    }
    const ledger = openConsumedLedger(path);
    expect([ledger.record("a"), ledger.record("b"), ledger.record("c")]).toEqual([false, false, true]);
    ledger.close();
  });

  it("has an approval on disk before it says yes", () => {
    const path = newPath();
    const ledger = openConsumedLedger(path);
    ledger.record("a");
    expect(readFileSync(path, "utf8")).toBe("a\n");
    ledger.close();
  });

  it("is not torn further by a crash in the middle of a line", () => {
    const path = newPath();
    const before = openConsumedLedger(path);
    before.record("first");
    before.close();
    appendFileSync(path, "torn-hal");

    const ledger = openConsumedLedger(path);
    expect(ledger.record("next")).toBe(true);
    ledger.close();
    const reopened = openConsumedLedger(path);
    expect([reopened.record("first"), reopened.record("next"), reopened.record("torn-half")]).toEqual([
      false,
      false,
      true,
    ]);
    reopened.close();
  });

  it("counts an id that was written whole but for its end as used", () => {
    const path = newPath();
    openConsumedLedger(path).close();
    writeFileSync(path, "whole");
    const ledger = openConsumedLedger(path);
    expect(ledger.record("whole")).toBe(false);
    ledger.close();
  });

  it("is the broker's own to read and write", () => {
    const path = newPath();
    openConsumedLedger(path).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("says no rather than yes when it cannot write", () => {
    const ledger = openConsumedLedger(newPath());
    ledger.close();
    expect(() => ledger.record("a")).toThrow();
  });
});
