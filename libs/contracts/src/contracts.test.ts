import { describe, expect, it } from "vitest";
import type * as z from "zod";
import {
  Admission,
  AdmissionRequest,
  ApprovalStatus,
  AuditEvent,
  CompiledPolicy,
  Decision,
  ENDPOINTS,
  EgressRule,
  LaunchableServers,
  MicroUsd,
  ReceiptClaims,
  RecordId,
  ScanVerdict,
  ServerMount,
  SERVICES,
  SessionId,
  Settlement,
  ToolName,
} from "./index.ts";

const uuid = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b10";
const hash = "0".repeat(64);
const finding = {
  rule: "aws-key",
  category: "secret",
  severity: "high",
  confidence: 1,
  path: "/a",
  span: [0, 4],
  evidence: "AK…",
  decodedBy: [],
};
const admission = {
  id: uuid,
  agent: "main",
  session: "session-0123456789",
  kind: "tool",
  subject: "fs__read_file",
  estimateMicroUsd: 0,
  leaseMs: 1_000,
};
const refusal = {
  outcome: "refused",
  code: "rate_limited",
  scope: "agent",
  key: "limits.callsPerMinute",
  limit: 1,
  used: 1,
  retryAfterMs: null,
};
const approval = { id: uuid, state: "pending", digest: hash, expiresAt: 1, reservation: uuid };
const claims = {
  iss: "approval-gateway",
  aud: "broker",
  jti: uuid,
  digest: hash,
  policyHash: hash,
  approvedBy: ["owner"],
  exp: 1,
};

/** What crosses a boundary, and right beside it what must not. */
const SAMPLES: readonly (readonly [string, z.ZodType, accepted: unknown, refused: readonly unknown[]])[] = [
  ["RecordId", RecordId, uuid, ["", "1", `${uuid}0`]],
  ["MicroUsd", MicroUsd, 0, [-1, 0.5, "1", 2 ** 53]],
  ["SessionId", SessionId, "a".repeat(16), ["a".repeat(15), "a".repeat(65), "a b-0123456789abc"]],
  ["ToolName", ToolName, "fs__a.b-c_D", ["fs_read", "__a", "Fs__a", "fs__a b", `fs__${"a".repeat(129)}`]],
  [
    "AdmissionRequest",
    AdmissionRequest,
    admission,
    [
      { ...admission, leaseMs: 999 },
      { ...admission, leaseMs: 3_600_001 },
      { ...admission, subject: "" },
      { ...admission, kind: "egress" },
      { ...admission, estimateMicroUsd: -1 },
    ],
  ],
  [
    "Admission",
    Admission,
    refusal,
    [
      { ...refusal, outcome: "maybe" },
      { ...refusal, code: "internal" },
      { outcome: "admitted", id: uuid },
    ],
  ],
  [
    "Settlement",
    Settlement,
    { outcome: "release" },
    [{ outcome: "commit" }, { outcome: "release", actualMicroUsd: 1 }],
  ],
  [
    "ApprovalStatus",
    ApprovalStatus,
    approval,
    [
      { ...approval, state: "open" },
      { ...approval, call: {} },
    ],
  ],
  [
    "Decision",
    Decision,
    { decision: "approve", digest: hash },
    [{ decision: "approve" }, { decision: "yes", digest: hash }],
  ],
  [
    "ReceiptClaims",
    ReceiptClaims,
    claims,
    [
      { ...claims, approvedBy: [] },
      { ...claims, aud: "model-gateway" },
      { ...claims, exp: undefined },
    ],
  ],
  [
    "AuditEvent",
    AuditEvent,
    { event: "call.decided", outcome: "allow", subject: "fs__read_file" },
    [
      { event: "call", outcome: "allow", subject: "" },
      { event: "call.decided", outcome: "perhaps", subject: "" },
      { event: "call.decided", outcome: "allow", subject: "a".repeat(501) },
      { event: "call.decided", outcome: "allow", subject: "", detail: [] },
    ],
  ],
  [
    "ScanVerdict",
    ScanVerdict,
    { action: "redact", findings: [finding], content: {} },
    [
      { action: "redact", findings: [finding] },
      { action: "block", findings: [finding] },
      { action: "flag", findings: [] },
      { action: "allow", findings: [{ ...finding, confidence: 1.1 }] },
      { action: "allow", findings: [{ ...finding, span: [0] }] },
    ],
  ],
  [
    "LaunchableServers",
    LaunchableServers,
    { servers: [{ name: "fs", image: "x", imageDigest: `sha256:${hash}` }] },
    [{ servers: [{ name: "fs", image: "x", imageDigest: hash }] }, { servers: [{ name: "Fs" }] }],
  ],
  [
    "ServerMount",
    ServerMount,
    { source: "volume:mail", target: "/data", readOnly: false },
    [
      { source: "/etc", target: "/data", readOnly: true },
      { source: "workspace", target: "data", readOnly: true },
      { source: "volume:../x", target: "/data", readOnly: true },
    ],
  ],
  [
    "EgressRule",
    EgressRule,
    { action: "allow", host: "a.test", port: 443, key: "egress.rules[0]" },
    [
      { action: "allow", host: "a.test", port: 0, key: "k" },
      { action: "allow", host: "a.test", port: 65_536, key: "k" },
      { action: "allow", host: "a.test", port: 443, key: "k", methods: ["get"] },
    ],
  ],
  ["CompiledPolicy", CompiledPolicy.pick({ version: true }), { version: 1 }, [{ version: 2 }, {}]],
];

describe.each(SAMPLES)("%s", (_name, schema, accepted, refused) => {
  it("accepts what the services send", () => expect(schema.parse(accepted)).toEqual(accepted));

  it.each(refused)("refuses %j", (value) => expect(schema.safeParse(value).success).toBe(false));
});

describe("the services", () => {
  it("listen on addresses that no other listens on", () => {
    const addresses = Object.values(ENDPOINTS).map(({ host, port }) => `${host}:${port}`);
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it("listen under a name of theirs on a named network", () => {
    for (const { host } of Object.values(ENDPOINTS)) {
      const [service, network] = host.split(".");
      expect(SERVICES).toContain(service);
      expect(["agent", "control", "launch", "operator"]).toContain(network);
    }
  });
});
