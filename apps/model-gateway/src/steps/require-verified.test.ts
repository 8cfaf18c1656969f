import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startTestStack, type TestStack } from "../testing/start-test-stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ requireVerification: true });
});
afterAll(() => stack.close());

const say = (state: "pending" | "passed" | "failed", holes: string[] = []) => {
  stack.answers.broker = () => ({ body: { state, at: null, holes } });
};
const call = async () =>
  fetch(`${stack.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${await stack.issueToken()}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "mock-openai", messages: [{ role: "user", content: "hello" }] }),
  });
const eventually = (status: number) =>
  vi.waitFor(async () => expect((await call()).status).toBe(status), { timeout: 15_000, interval: 100 });

describe("the model door", () => {
  it("is open once broker says that the stack is verified, and closed by a failure", async () => {
    await eventually(200);
    say("failed", ["TOP-02"]);
    await eventually(503);
    const response = await call();
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toMatchObject({
      code: "stack_unverified",
      reason: "unverified",
      service: "model-gateway",
      detail: expect.stringContaining("TOP-02"),
      next_steps: [expect.stringContaining("./claws verify")],
    });
    expect(stack.auditor.requests.at(-1)?.body).toMatchObject({ outcome: "deny", code: "stack_unverified" });
    say("passed");
    await eventually(200);
  }, 40_000);

  it("knows the caller before it says anything about the stack", async () => {
    say("failed");
    const response = await fetch(`${stack.origin}/v1/chat/completions`, { method: "POST" });
    expect(response.status).toBe(401);
  });
});
