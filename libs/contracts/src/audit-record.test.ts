import { describe, expect, it } from "vitest";
import { AuditBatch, AuditBatchReceipt, AuditEvent, AuditRecord } from "./index.ts";

const uuid = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b10";
const event = { event: "egress.decided", outcome: "allow", subject: "a.test:443" };
const batch = { spool: uuid, first: 1, events: [event] };
const copies = (count: number) => Array.from({ length: count }, () => event);
const place = { seq: 1, time: "2026-01-02T03:04:05.000Z", service: "egress-filter" };
const record = { ...event, ...place, previous: "0".repeat(64), hash: "0".repeat(64) };

describe("an audit event", () => {
  it.each(["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678Z"])("may say when it was decided: %s", (at) =>
    expect(AuditEvent.parse({ ...event, at })).toEqual({ ...event, at }),
  );

  it.each([
    { at: "2026-01-02" },
    { at: "2026-02-30T00:00:00Z" },
    { at: "2026-01-02T03:04:05+01:00" },
    { at: 1 },
    { spool: uuid },
    { spoolSeq: 1 },
  ])("has no %j", (extra) => expect(AuditEvent.safeParse({ ...event, ...extra }).success).toBe(false));
});

describe("an audit record", () => {
  it.each([{}, { spool: uuid, spoolSeq: 1 }])("may have a place in a spool: %j", (extra) =>
    expect(AuditRecord.safeParse({ ...record, ...extra }).success).toBe(true),
  );

  it.each([{ spool: "x" }, { spoolSeq: 0 }, { spoolSeq: 2 ** 53 }])("has no place %j", (extra) =>
    expect(AuditRecord.safeParse({ ...record, ...extra }).success).toBe(false),
  );
});

describe("an audit batch", () => {
  it("has 1 to 500 events", () => {
    expect(AuditBatch.parse(batch)).toEqual(batch);
    expect(AuditBatch.safeParse({ ...batch, events: copies(500) }).success).toBe(true);
  });

  it.each([
    { events: [] },
    { events: copies(501) },
    { events: [{ ...event, seq: 1 }] },
    { first: 0 },
    { first: 1.5 },
    { first: Number.MAX_SAFE_INTEGER },
    { spool: "mine" },
    { service: "broker" },
  ])("is refused with %j", (extra) =>
    expect(AuditBatch.safeParse({ ...batch, ...extra }).success).toBe(false),
  );

  it("is answered with a number", () => {
    expect(AuditBatchReceipt.safeParse({ through: 1 }).success).toBe(true);
    for (const answer of [{}, { through: 0 }, { through: "1" }, { through: 1, next: 2 }])
      expect(AuditBatchReceipt.safeParse(answer).success).toBe(false);
  });
});
