import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestStack, type TestStack } from "./testing/start-test-stack.ts";

describe("where the profile redacts responses", () => {
  let stack: TestStack;
  let headers: Record<string, string>;
  beforeAll(async () => {
    stack = await startTestStack({ responseActions: { secret: "redact" } });
    headers = { authorization: `Bearer ${await stack.issueToken()}` };
    stack.answers.scanner = ({ body }) => {
      const text = JSON.stringify(body).replaceAll("s3cret", "[redacted:x]");
      const { content } = JSON.parse(text) as { content: unknown };
      return { body: { action: "redact", findings: [], content } };
    };
  });
  afterAll(() => stack.close());

  it("a stream is taken whole, scanned, and played back", async () => {
    stack.provider.answer = (response, { body }) => {
      expect(body["stream"]).toBeUndefined();
      const message = { role: "assistant", content: "the s3cret is out" };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      const usage = { prompt_tokens: 1, completion_tokens: 2 };
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ id: "c", choices, usage }));
    };
    const response = await fetch(`${stack.origin}/v1/chat/completions`, {
      method: "POST",
      headers,
      body: JSON.stringify({ model: "real-openai", stream: true, messages: [] }),
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("x-claws-spend-micro-usd")).toBe("33");
    const chunks = (await response.text())
      .split("\n\n")
      .filter((frame) => frame.startsWith("data: {"))
      .map((frame) => JSON.parse(frame.slice(6)) as { choices: { delta: { content?: string } }[] });
    const said = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? "")).join("");
    expect(said).toBe("the [redacted:x] is out");
  });
});
