import { createLogger } from "@claws/service-kit";
import { describe, expect, it } from "vitest";
import { createCallAudit } from "../call-audit.ts";
import { createFakeService, DOWN, type FakeAnswer, refuse } from "../testing/fake-service.ts";
import { createTestJourney, prepareTestCall } from "../testing/prepare-test-call.ts";
import { createAuditGate } from "./audit-before-act.ts";

const logger = createLogger("broker");
logger.level = "silent";
const written = () => ({ seq: 1, hash: "0".repeat(64) });

async function decide(answer: FakeAnswer) {
  const auditor = createFakeService(answer);
  const gate = createAuditGate(createCallAudit(auditor, logger));
  return { verdict: await gate.decide(prepareTestCall(), createTestJourney()), auditor };
}

describe("the gate before acting", () => {
  it("passes what was written", async () => {
    const { verdict, auditor } = await decide(written);
    expect(verdict).toEqual({ verdict: "allow" });
    expect(auditor.requests).toMatchObject([
      {
        path: "/v1/records",
        body: { event: "call.decided", outcome: "allow", digest: prepareTestCall().digest },
      },
    ]);
  });

  it.each<[string, FakeAnswer]>([
    ["is down", DOWN],
    ["refuses", () => refuse("request_invalid")],
    ["gives no receipt", () => ({})],
  ])("refuses when the auditor %s", async (_what, answer) => {
    expect((await decide(answer)).verdict).toMatchObject({ verdict: "deny" });
  });
});
