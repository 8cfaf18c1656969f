import type { Finding } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createFakeService, DOWN, type FakeAnswer, refuse } from "../testing/fake-service.ts";
import { createTestJourney, prepareTestCall } from "../testing/prepare-test-call.ts";
import { createGuardrailsGate } from "./guardrails.ts";

const finding = (rule: string): Finding => ({
  rule,
  category: "pii",
  severity: "low",
  confidence: 1,
  path: "/to",
  span: [0, 1],
  evidence: "f…",
  decodedBy: [],
});

async function decide(answer: FakeAnswer) {
  const scanner = createFakeService(answer);
  const journey = createTestJourney();
  const prepared = prepareTestCall({ values: { to: "friend" } });
  const verdict = await createGuardrailsGate(scanner).decide(prepared, journey);
  return { verdict, journey, scanner };
}

describe("the guardrails gate", () => {
  it("shows the scanner the frozen arguments, and passes what it passes", async () => {
    const { verdict, scanner } = await decide(() => ({ action: "allow", findings: [] }));
    expect(verdict).toEqual({ verdict: "allow" });
    expect(scanner.requests).toMatchObject([
      { method: "POST", path: "/v1/scans", body: { direction: "arguments", content: { to: "friend" } } },
    ]);
  });

  it("remembers what was found and passed, for the record", async () => {
    const findings = [finding("email"), finding("phone")];
    const { journey } = await decide(() => ({ action: "allow", findings }));
    expect(journey.flagged).toEqual(["email", "phone"]);
  });

  it("makes a new call of what was redacted", async () => {
    const { verdict } = await decide(() => ({ action: "redact", findings: [], content: { to: "[email]" } }));
    expect(verdict).toEqual({ verdict: "replace", arguments: { to: "[email]" } });
  });

  it("refuses what was blocked, by the rule and the place that the scanner names", async () => {
    const said = { action: "block", findings: [], rule: "aws-access-key", path: "/body" };
    expect((await decide(() => said)).verdict).toMatchObject({
      verdict: "deny",
      problem: {
        code: "dlp_blocked",
        service: "dlp-scanner",
        rule: "aws-access-key",
        key: "dlp.arguments",
        detail: expect.stringContaining("/body"),
      },
    });
  });

  it.each<[string, FakeAnswer, string]>([
    ["is down", DOWN, "service_unavailable"],
    ["refuses", () => refuse("body_too_large"), "body_too_large"],
    ["answers something else", () => ({ fine: true }), "service_unavailable"],
    ["says flag, which is no verdict", () => ({ action: "flag", findings: [] }), "service_unavailable"],
    [
      "redacts to no arguments",
      () => ({ action: "redact", findings: [], content: ["to"] }),
      "service_unavailable",
    ],
    ["redacts to nothing", () => ({ action: "redact", findings: [] }), "service_unavailable"],
  ])("refuses when the scanner %s", async (_what, answer, code) => {
    expect((await decide(answer)).verdict).toMatchObject({ verdict: "deny", problem: { code } });
  });
});
