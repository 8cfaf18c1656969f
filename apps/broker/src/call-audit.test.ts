import { Writable } from "node:stream";
import { AuditEvent, createProblem } from "@claws/contracts";
import { createLogger } from "@claws/service-kit";
import { describe, expect, it } from "vitest";
import { createCallAudit } from "./call-audit.ts";
import type { CallOutcome } from "./call-outcome.ts";
import { createFakeService, DOWN, type FakeAnswer } from "./testing/fake-service.ts";
import { createTestJourney, prepareTestCall } from "./testing/prepare-test-call.ts";
import { MAIN } from "./testing/test-policy.ts";

const SECRET = "the-secret-argument";
const prepared = prepareTestCall({ values: { body: SECRET } });
const problem = createProblem("dlp_blocked", { service: "dlp-scanner", detail: "no", rule: "aws-key" });

function start(answer: FakeAnswer = () => ({ seq: 1, hash: "0".repeat(64) })) {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const auditor = createFakeService(answer);
  const audit = createCallAudit(auditor, createLogger("broker", destination));
  return { audit, lines, events: () => auditor.requests.map(({ body }) => AuditEvent.parse(body)) };
}

describe("the record of a call", () => {
  it("says what was decided, by which rule, and on exactly what", async () => {
    const { audit, events } = start();
    const journey = { ...createTestJourney(), flagged: ["email"] };
    expect(await audit.recordDecision(prepared, journey)).toBeUndefined();
    expect(events()).toEqual([
      {
        event: "call.decided",
        outcome: "allow",
        ...MAIN,
        digest: prepared.digest,
        subject: "mail__send",
        rule: "tools.rules[1] (mail__send)",
        detail: {
          risk: "HIGH",
          imageDigest: prepared.call.imageDigest,
          toolDefinitionHash: prepared.call.toolDefinitionHash,
          policyHash: prepared.call.policyHash,
          flagged: ["email"],
        },
      },
    ]);
  });

  it("names the approval that it was made under", async () => {
    const { audit, events } = start();
    const approval = { id: "an-approval", consumed: { call: prepared.call, receipt: "r" } };
    await audit.recordDecision(prepared, { ...createTestJourney(), approval });
    expect(events()[0]?.detail).toMatchObject({ approval: "an-approval" });
  });

  it("says who refused, and why, also before there is a digest", async () => {
    const { audit, events } = start();
    await audit.recordRefusal({ ...MAIN, tool: "mail__send" }, problem);
    expect(events()).toEqual([
      {
        event: "call.decided",
        outcome: "deny",
        ...MAIN,
        subject: "mail__send",
        code: "dlp_blocked",
        rule: "aws-key",
        detail: { by: "dlp-scanner" },
      },
    ]);
  });

  it.each<[string, CallOutcome, string]>([
    ["a result", { kind: "result", result: { content: [SECRET], failed: false } }, "done"],
    ["a failure of the tool", { kind: "result", result: { content: [SECRET], failed: true } }, "failed"],
    ["a refusal after the call", { kind: "refused", problem }, "failed"],
  ])("says how it ended: %s", async (_what, outcome, expected) => {
    const { audit, events } = start();
    await audit.recordOutcome(prepared, outcome, 12.6);
    expect(events()).toMatchObject([
      { event: "call.settled", outcome: expected, detail: { durationMs: 13 } },
    ]);
  });

  it("never holds an argument or a result", async () => {
    const { audit, events, lines } = start();
    await audit.recordDecision(prepared, createTestJourney());
    await audit.recordOutcome(prepared, { kind: "result", result: { content: [SECRET], failed: false } }, 1);
    expect(JSON.stringify(events())).not.toContain(SECRET);
    expect(lines.join("")).not.toContain(SECRET);
  });
});

describe("when the auditor is down", () => {
  it("a decision is a problem", async () => {
    const { audit } = start(DOWN);
    expect(await audit.recordDecision(prepared, createTestJourney())).toMatchObject({
      code: "service_unavailable",
    });
  });

  it("what already happened is logged instead", async () => {
    const { audit, lines } = start(DOWN);
    await audit.recordRefusal({ ...MAIN, tool: "mail__send" }, problem);
    await audit.recordOutcome(prepared, { kind: "refused", problem }, 1);
    expect(lines.map((line) => (JSON.parse(line) as { audit: { event: string } }).audit.event)).toEqual([
      "call.decided",
      "call.settled",
    ]);
  });
});
