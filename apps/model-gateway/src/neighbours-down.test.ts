import { readReadiness } from "@claws/service-kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestStack, type TestStack } from "./testing/start-test-stack.ts";

describe("when a neighbour is not there at all", () => {
  let stack: TestStack;
  let authorization: string;
  beforeAll(async () => {
    stack = await startTestStack();
    authorization = `Bearer ${await stack.issueToken()}`;
  });
  afterAll(() => stack.close());

  const ask = async (model: string) => {
    const response = await fetch(`${stack.origin}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization },
      body: JSON.stringify({ model, messages: [] }),
    });
    return (await response.json()) as Record<string, unknown>;
  };

  it("each is missed in turn, and nothing is called or kept reserved", async () => {
    expect(await readReadiness(stack.readiness)).toEqual({ ready: true, missing: [] });

    await stack.egress.close();
    expect(await ask("real-openai")).toMatchObject({ code: "model_unavailable" });
    expect(stack.limiter.requests.at(-1)?.body).toEqual({ outcome: "release" });

    await stack.auditor.close();
    expect(await ask("mock-openai")).toMatchObject({ code: "service_unavailable", service: "auditor" });
    expect(stack.limiter.requests.at(-1)?.body).toEqual({ outcome: "release" });

    await stack.limiter.close();
    expect(await ask("mock-openai")).toMatchObject({ code: "service_unavailable", service: "rate-limiter" });

    await stack.scanner.close();
    expect(await ask("mock-openai")).toMatchObject({ code: "service_unavailable", service: "dlp-scanner" });

    const { missing } = await readReadiness(stack.readiness);
    expect(missing).toEqual(["rate-limiter", "dlp-scanner", "auditor"]);
    expect(stack.provider.calls).toEqual([]);
  });
});
