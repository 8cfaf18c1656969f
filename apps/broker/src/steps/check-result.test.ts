import type { JsonValue } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createFakeService, DOWN, type FakeAnswer, refuse } from "../testing/fake-service.ts";
import { prepareTestCall } from "../testing/prepare-test-call.ts";
import { createResultCheck } from "./check-result.ts";

const text = (value: string): JsonValue => ({ type: "text", text: value });
const result = { content: [text("key: AKIA")], structuredContent: { key: "AKIA" }, failed: false };

async function check(answer: FakeAnswer, given = result) {
  const scanner = createFakeService(answer);
  return { outcome: await createResultCheck(scanner)(prepareTestCall(), given), scanner };
}

describe("a result", () => {
  it("is shown to the scanner whole, and passed on as it is when it may pass", async () => {
    const { outcome, scanner } = await check(() => ({ action: "allow", findings: [] }));
    expect(outcome).toEqual({ kind: "result", result });
    const { failed: _failed, ...content } = result;
    expect(scanner.requests).toMatchObject([{ body: { direction: "results", content } }]);
  });

  it("is passed on redacted, and stays the failure that it was", async () => {
    const content = { content: [text("key: [secret]")], structuredContent: { key: "[secret]" } };
    const answer = () => ({ action: "redact", findings: [], content });
    const { outcome } = await check(answer, { ...result, failed: true });
    expect(outcome).toEqual({ kind: "result", result: { ...content, failed: true } });
  });

  it("is withheld when it was blocked", async () => {
    const { outcome } = await check(() => ({
      action: "block",
      findings: [],
      rule: "aws-key",
      path: "/content/0",
    }));
    expect(outcome).toMatchObject({
      kind: "refused",
      problem: { code: "dlp_blocked", rule: "aws-key", key: "dlp.results" },
    });
  });

  it("is withheld when it is larger than allowed, and the scanner is spared", async () => {
    const overhead = JSON.stringify({ content: [text("")] }).length;
    const sized = (size: number) => ({ content: [text("x".repeat(size - overhead))], failed: false });
    const allow: FakeAnswer = () => ({ action: "allow", findings: [] });
    const checkResult = createResultCheck(createFakeService(allow));
    expect(await checkResult(prepareTestCall(), sized(4_000_000))).toMatchObject({ kind: "result" });
    const scanner = createFakeService(allow);
    expect(await createResultCheck(scanner)(prepareTestCall(), sized(4_000_001))).toMatchObject({
      problem: { code: "result_too_large" },
    });
    expect(scanner.requests).toEqual([]);
  });

  it.each<[string, FakeAnswer]>([
    ["is down", DOWN],
    ["refuses", () => refuse("body_too_large")],
    ["answers something else", () => ({ ok: true })],
    ["redacts it to something else", () => ({ action: "redact", findings: [], content: { text: "x" } })],
    ["redacts its content away", () => ({ action: "redact", findings: [], content: { content: "x" } })],
  ])(
    "is withheld when the scanner %s; the agent reads that the call ran, and is not told to retry",
    async (_what, answer) => {
      const { outcome } = await check(answer);
      expect(outcome).toMatchObject({
        kind: "refused",
        problem: { detail: expect.stringContaining("mail__send ran, but its result is withheld") },
      });
      expect(outcome.kind === "refused" && outcome.problem.retryAfterMs).toBeUndefined();
    },
  );
});
