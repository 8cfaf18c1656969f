import type { AdmissionRequest, Risk } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createFakeService, DOWN, type FakeAnswer, refuse } from "../testing/fake-service.ts";
import { createTestJourney, prepareTestCall } from "../testing/prepare-test-call.ts";
import { MAIN, TEST_POLICY } from "../testing/test-policy.ts";
import { createAdmitGate } from "./admit.ts";

const admitted: FakeAnswer = ({ body }) => ({
  outcome: "admitted",
  id: (body as AdmissionRequest).id,
  leaseUntil: 1,
});
const refused = (change: object) => () => ({
  outcome: "refused",
  code: "rate_limited",
  scope: "tool",
  key: "tools.rules[1].callsPerMinute",
  limit: 3,
  used: 3,
  retryAfterMs: 1_001,
  ...change,
});

async function decide(answer: FakeAnswer, risk: Risk = "LOW") {
  const limiter = createFakeService(answer);
  const journey = createTestJourney();
  const verdict = await createAdmitGate(TEST_POLICY, limiter).decide(prepareTestCall({ risk }), journey);
  return { verdict, journey, asked: limiter.requests.map(({ body }) => body as AdmissionRequest) };
}

describe("the admit gate", () => {
  it("asks for this agent, session and tool at the policy's price, and keeps the reservation", async () => {
    const { verdict, journey, asked } = await decide(admitted);
    expect(verdict).toEqual({ verdict: "allow" });
    expect(asked).toEqual([
      {
        ...MAIN,
        id: expect.any(String),
        kind: "tool",
        subject: "mail__send",
        estimateMicroUsd: 10_000,
        leaseMs: expect.any(Number),
      },
    ]);
    expect(journey.reservation).toBe(asked[0]?.id);
  });

  it.each<[Risk, number]>([
    ["LOW", 5_000],
    ["MEDIUM", 5_000],
    ["HIGH", 65_000],
    ["CRITICAL", 65_000],
  ])("reserves for as long as a %s call may take, and more", async (risk, milliseconds) => {
    const { asked } = await decide(admitted, risk);
    expect(asked[0]?.leaseMs).toBeGreaterThan(milliseconds);
  });

  it.each<[object, object]>([
    [
      {},
      {
        code: "rate_limited",
        rule: "tool",
        retryAfterMs: 1_001,
        detail: /limit of this tool is 3, used 3; retry in 2 s/,
      },
    ],
    [
      { code: "budget_exceeded", scope: "session", key: "limits.costPerSessionUsd", retryAfterMs: null },
      {
        code: "budget_exceeded",
        rule: "session",
        key: "limits.costPerSessionUsd",
        detail: /raise the limit/,
      },
    ],
  ])(
    "says which limit refused, and when to retry: %j",
    async (change, { detail, ...problem }: { detail?: RegExp }) => {
      const { verdict, journey } = await decide(refused(change));
      expect(verdict).toMatchObject({
        verdict: "deny",
        problem: { ...problem, service: "rate-limiter", detail: expect.stringMatching(detail ?? /./) },
      });
      expect(journey.reservation).toBeUndefined();
    },
  );

  it.each<[string, FakeAnswer, string]>([
    ["is down", DOWN, "service_unavailable"],
    ["refuses", () => refuse("peer_not_allowed"), "peer_not_allowed"],
    ["answers something else", () => ({ outcome: "fine" }), "service_unavailable"],
  ])("refuses when the limiter %s", async (_what, answer, code) => {
    const { verdict, journey } = await decide(answer);
    expect(verdict).toMatchObject({ verdict: "deny", problem: { code } });
    expect(journey.reservation).toBeUndefined();
  });
});
