import { AuditRecord } from "@claws/contracts";
import {
  array,
  assert,
  constantFrom,
  dictionary,
  jsonValue,
  property,
  record as recordOf,
  string,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { OcsfSchema } from "./testing/ocsf-schema.ts";
import { toOcsf } from "./to-ocsf.ts";

const HASH = "ab".repeat(32);

function recordWith(change: Record<string, unknown>): AuditRecord {
  return AuditRecord.parse({
    event: "egress.decided",
    outcome: "allow",
    agent: "researcher",
    subject: "api.example.com:443",
    seq: 7,
    time: "2026-01-02T03:04:06.000Z",
    service: "egress-filter",
    previous: "0".repeat(64),
    hash: HASH,
    ...change,
  });
}

const connect = { method: "CONNECT", reason: "allowed", door: "agents", address: "93.184.216.34" };
const closed = { ...connect, reason: "ended", bytesUp: 10, bytesDown: 30, durationMs: 1_200 };

describe("a record as OCSF", () => {
  it.each<[string, Record<string, unknown>, object]>([
    [
      "a tunnel that may open",
      { detail: connect },
      { type_uid: 400_101, status_id: 1, action_id: 1, disposition_id: 1 },
    ],
    [
      "a tunnel that may not",
      { outcome: "deny", detail: connect },
      { type_uid: 400_105, status_id: 2, action_id: 2, disposition_id: 2, severity_id: 3 },
    ],
    [
      "a tunnel to nowhere",
      { outcome: "failed", detail: connect },
      { type_uid: 400_104, status_id: 2, disposition_id: 27 },
    ],
    [
      "a tunnel that waits for a person",
      { outcome: "hold", detail: connect },
      {
        type_uid: 400_199,
        activity_name: "Hold",
        status_id: 99,
        status: "Held",
        action: "Held",
        disposition_id: 14,
      },
    ],
    [
      "a tunnel that ended",
      { event: "egress.closed", outcome: "done", detail: closed },
      {
        type_uid: 400_102,
        duration: 1_200,
        traffic: { bytes_out: 10, bytes_in: 30, bytes: 40 },
        status_detail: "ended",
      },
    ],
    [
      "a tunnel that was cut",
      { event: "egress.closed", outcome: "deny", detail: closed },
      { type_uid: 400_103, action_id: 2 },
    ],
    [
      "a request that was not understood",
      { outcome: "deny", subject: "(none)", detail: { reason: "malformed" } },
      { type_uid: 400_105, dst_endpoint: { name: "(none)" } },
    ],
    [
      "a request in plain HTTP",
      { subject: "example.com:80", detail: { ...connect, method: "GET" } },
      {
        type_uid: 400_203,
        http_request: { http_method: "GET" },
        dst_endpoint: { hostname: "example.com", port: 80, ip: "93.184.216.34" },
      },
    ],
    [
      "an upload that was refused",
      { outcome: "deny", detail: { ...connect, method: "PUT" } },
      { type_uid: 400_207, action_id: 2 },
    ],
    [
      "a patch that ended",
      { event: "egress.closed", outcome: "done", detail: { ...closed, method: "PATCH" } },
      { type_uid: 400_209, duration: 1_200, traffic: { bytes: 40 } },
    ],
    [
      "a method without a number",
      { detail: { method: "PROPFIND" } },
      { type_uid: 400_299, activity_name: "PROPFIND", http_request: {} },
    ],
    [
      "a name that resolves",
      {
        event: "dns.decided",
        subject: "example.com",
        detail: { type: "A", address: "198.18.0.1 198.18.0.2" },
      },
      {
        type_uid: 400_301,
        query: { hostname: "example.com", type: "A" },
        rcode_id: 0,
        answers: [{ rdata: "198.18.0.1" }, { rdata: "198.18.0.2" }],
        dst_endpoint: { svc_name: "egress-filter", port: 53 },
      },
    ],
    [
      "a name that does not",
      {
        event: "dns.decided",
        outcome: "deny",
        subject: "evil.test",
        code: "egress_denied",
        detail: { reason: "exfiltration" },
      },
      { type_uid: 400_301, rcode_id: 3, status_code: "egress_denied", status_detail: "exfiltration" },
    ],
    [
      "a call of a tool",
      {
        event: "call.decided",
        subject: "files__read_file",
        session: "session-0123456789",
        service: "broker",
        rule: "tools[0]",
      },
      {
        type_uid: 600_399,
        category_uid: 6,
        activity_name: "call.decided",
        actor: { app_name: "researcher", session: { uid: "session-0123456789" } },
        api: { operation: "call.decided", service: { name: "broker" } },
        resources: [{ name: "files__read_file", type: "call" }],
        firewall_rule: { name: "tools[0]" },
      },
    ],
    [
      "an event of the log itself",
      { event: "audit.recovered", outcome: "done", agent: undefined, service: "auditor" },
      { type_uid: 600_399, src_endpoint: { name: "auditor" }, action_id: 3, disposition_id: 17 },
    ],
    [
      "a caller that is a service",
      { agent: undefined, detail: { method: "CONNECT", peer: "model-gateway" } },
      { src_endpoint: { name: "model-gateway" } },
    ],
  ])("is %s", (_what, change, expected) => {
    const event = toOcsf(recordWith(change));
    expect(OcsfSchema.parse(event)).toEqual(event);
    expect(event).toMatchObject(expected);
  });

  it("says when it was decided, when it was written, and which record it is", () => {
    const event = toOcsf(recordWith({ at: "2026-01-02T03:04:05.500Z" }));
    expect(event).toMatchObject({
      time: Date.parse("2026-01-02T03:04:05.500Z"),
      metadata: {
        uid: HASH,
        sequence: 7,
        event_code: "egress.decided",
        logged_time: Date.parse("2026-01-02T03:04:06Z"),
        product: { name: "Sandbox Claws", feature: { name: "egress-filter" } },
      },
    });
    expect(toOcsf(recordWith({})).time).toBe(Date.parse("2026-01-02T03:04:06Z"));
  });

  it.each([
    ["a.test:443", undefined, { hostname: "a.test", port: 443 }],
    ["a.test", undefined, { hostname: "a.test" }],
    ["a.test:443", "93.184.216.34 93.184.216.35", { hostname: "a.test", port: 443, ip: "93.184.216.34" }],
    ["10.0.0.1:80", undefined, { ip: "10.0.0.1", port: 80 }],
    ["[::1]:443", "::1", { ip: "::1", port: 443 }],
    ["::1", undefined, { ip: "::1" }],
    ["[fe80::1%25eth0]:80", undefined, { name: "fe80::1%25eth0", port: 80 }],
    ["a.test:99999", undefined, { hostname: "a.test" }],
    [":443", undefined, { name: "(none)", port: 443 }],
    ["a\nb:443", "not an address", { name: "a\nb", port: 443 }],
  ])("goes to %j at %j", (subject, address, expected) => {
    const detail = { method: "CONNECT", ...(address === undefined ? {} : { address }) };
    const event = toOcsf(recordWith({ subject, detail }));
    expect(event["dst_endpoint"]).toEqual(expected);
    expect(OcsfSchema.safeParse(event).success).toBe(true);
  });

  it("keeps what OCSF has no attribute for", () => {
    const detail = { ...closed, address: "93.184.216.34 93.184.216.35", bytesUp: "many", extra: [1] };
    const place = { spool: "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b10", spoolSeq: 3 };
    const digest = "cd".repeat(32);
    const session = "session-0123456789";
    expect(toOcsf(recordWith({ ...place, digest, session, detail }))["unmapped"]).toEqual({
      outcome: "allow",
      subject: "api.example.com:443",
      previous: "0".repeat(64),
      ...place,
      digest,
      session,
      detail: {
        door: "agents",
        address: "93.184.216.34 93.184.216.35",
        bytesUp: "many",
        extra: [1],
      },
    });
  });

  it("fits the schema, whatever a record says", () => {
    const detail = dictionary(
      constantFrom("method", "reason", "address", "bytesUp", "bytesDown", "durationMs", "type", "peer", "x"),
      constantFrom<unknown>("CONNECT", "GET", "TEAPOT", "", "::1", 0, -1, 1.5, 20, null, [], {}),
    );
    const records = recordOf({
      event: constantFrom("egress.decided", "egress.closed", "dns.decided", "call.settled"),
      outcome: constantFrom("allow", "deny", "hold", "done", "failed"),
      subject: string({ unit: "binary", maxLength: 60 }),
      agent: constantFrom("main", undefined),
      detail,
      others: array(jsonValue(), { maxLength: 2 }),
    });
    assert(
      property(records, ({ others, ...change }) => {
        const event = toOcsf(recordWith({ ...change, detail: { ...change.detail, others } }));
        const parsed = OcsfSchema.safeParse(event);
        expect(parsed.error?.issues ?? []).toEqual([]);
      }),
      { seed: 6, numRuns: 1_000 },
    );
  });
});
