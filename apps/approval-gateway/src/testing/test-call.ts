import { randomUUID } from "node:crypto";
import { type ApprovalRequest, CompiledPolicy, FrozenCall, type Risk } from "@claws/contracts";
import { digestCall } from "../call-digest.ts";

const POLICY_HASH = "1".repeat(64);
export const OTHER_POLICY_HASH = "2".repeat(64);

/** A call that no other test made: its session is new. */
export function createTestCall(change: Record<string, unknown> = {}): FrozenCall {
  return FrozenCall.parse({
    agent: "main",
    session: randomUUID(),
    profile: "test",
    server: "mail",
    imageDigest: `sha256:${"a".repeat(64)}`,
    toolDefinitionHash: "b".repeat(64),
    tool: "mail__send_email",
    arguments: { to: "a@example.org", body: "hello" },
    policyHash: POLICY_HASH,
    ...change,
  });
}

export function createTestRequest(risk: Risk = "HIGH", call = createTestCall()): ApprovalRequest {
  return {
    call,
    digest: digestCall(call).digest,
    risk,
    rule: "tools.rules[0] (send_email)",
    reservation: randomUUID(),
  };
}

const actions = { secret: "block", pii: "redact", exfiltration: "block", injection: "flag", size: "block" };

export const TEST_POLICY = CompiledPolicy.parse({
  version: 1,
  profile: "test",
  hash: POLICY_HASH,
  agents: { main: {} },
  servers: {},
  tools: { scope: { allow: ["*"], block: [] }, rules: [], defaultRisk: "HIGH" },
  egress: {
    mode: "allowlist",
    rules: [],
    quotas: {
      requestsPerMinute: 600,
      connections: 256,
      uploadBytesPerSession: 1,
      downloadBytesPerSession: 1,
      uploadBytesPerHost: 1,
      downloadBytesPerHost: 1,
      idleSeconds: 300,
      totalSeconds: 3_600,
    },
    ask: { seconds: 30, maxOpen: 5 },
    requireVerification: false,
  },
  limits: {
    callsPerMinute: 30,
    costPerSessionMicroUsd: 0,
    costPerDayMicroUsd: 0,
    tokensPerRequest: 1_000,
  },
  dlp: {
    arguments: actions,
    results: actions,
    "model-requests": actions,
    "model-responses": actions,
    "egress-requests": actions,
    "egress-responses": actions,
  },
  approvals: { expireAfterSeconds: 300, holdSeconds: 50 },
  models: [],
});
