import { createProblem } from "@claws/contracts";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { DOWN, PROVIDER_KEY, SESSION, startTestStack, type TestStack } from "./testing/start-test-stack.ts";

let stack: TestStack;
let token: string;
beforeAll(async () => {
  stack = await startTestStack();
  token = await stack.issueToken();
});
afterAll(() => stack.close());
afterEach(() => stack.reset());

type Body = Record<string, unknown>;
const PATHS = { openai: "/v1/chat/completions", anthropic: "/v1/messages" } as const;
type DialectName = keyof typeof PATHS;

const messages = [{ role: "user", content: "hello there" }];

function post(
  dialect: DialectName,
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) {
  return fetch(`${stack.origin}${PATHS[dialect]}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}
const json = async (response: Response) => (await response.json()) as Body;
const settlements = () =>
  stack.limiter.requests.filter(({ path }) => path.endsWith("/settlement")).map(({ body }) => body);
const admissions = () =>
  stack.limiter.requests.filter(({ path }) => path === "/v1/admissions").map(({ body }) => body as Body);
const audited = () => stack.auditor.requests.map(({ body }) => body as Body);

describe("who may ask", () => {
  it.each([
    ["no token", {}, "token_missing"],
    ["a token that is none", { authorization: "Bearer x.y.z" }, "token_invalid"],
    ["a provider's key in its place", { "x-api-key": "sk-ant-123" }, "token_invalid"],
  ])("%s is refused before anybody is asked", async (_what, headers, code) => {
    const response = await fetch(`${stack.origin}${PATHS.openai}`, {
      method: "POST",
      headers: headers as Record<string, string>,
      body: "{}",
    });
    expect(response.status).toBe(401);
    expect(await json(response)).toMatchObject({ code, error: { type: code } });
    expect(stack.scanner.requests).toEqual([]);
  });

  it("a token for the broker is refused here", async () => {
    const authorization = `Bearer ${await stack.issueToken("main", "broker")}`;
    expect(await json(await post("openai", {}, { authorization }))).toMatchObject({ code: "token_invalid" });
  });

  it("an agent that the profile does not know is refused", async () => {
    const authorization = `Bearer ${await stack.issueToken("stranger")}`;
    expect(await json(await post("openai", {}, { authorization }))).toMatchObject({ code: "agent_unknown" });
  });

  it("the token may come as x-api-key", async () => {
    const response = await fetch(`${stack.origin}${PATHS.anthropic}`, {
      method: "POST",
      headers: { "x-api-key": token },
      body: JSON.stringify({ model: "mock-anthropic", max_tokens: 50, messages }),
    });
    expect(response.status).toBe(200);
  });
});

describe("what may be asked", () => {
  it.each([
    ["text that is not JSON", "openai", "{", 400, "body_malformed"],
    ["JSON nested 65 deep", "openai", `${"[".repeat(65)}${"]".repeat(65)}`, 400, "body_malformed"],
    ["a list", "openai", [], 400, "request_invalid"],
    [
      "a body over 4 MiB",
      "openai",
      { model: "mock-openai", pad: "x".repeat(4_194_304) },
      413,
      "body_too_large",
    ],
    ["an unknown model", "openai", { model: "gpt-unheard-of" }, 403, "model_not_allowed"],
    ["a model of the other dialect", "openai", { model: "mock-anthropic" }, 403, "model_not_allowed"],
    ["one token over the cap", "openai", { model: "mock-openai", max_tokens: 1_001 }, 413, "tokens_exceeded"],
    [
      "too many in several answers",
      "openai",
      { model: "mock-openai", max_tokens: 501, n: 2 },
      413,
      "tokens_exceeded",
    ],
    [
      "too many in the other dialect",
      "anthropic",
      { model: "mock-anthropic", max_tokens: 1_001 },
      413,
      "tokens_exceeded",
    ],
  ] as const)("%s is refused and reserves nothing", async (_what, dialect, body, status, code) => {
    const response = await post(dialect, body);
    expect(response.status).toBe(status);
    const problem = await json(response);
    expect(problem).toMatchObject({ code, error: { type: code, message: expect.any(String) as string } });
    if (code === "tokens_exceeded") expect(problem["key"]).toBe("limits.tokensPerRequest");
    expect(admissions()).toEqual([]);
    expect(audited()).toMatchObject([{ event: "model.decided", outcome: "deny", code, agent: "main" }]);
  });

  it("the cap itself is allowed", async () => {
    expect((await post("openai", { model: "mock-openai", max_tokens: 1_000, messages })).status).toBe(200);
  });
});

describe("when a neighbour does not agree", () => {
  const ask = async () => {
    stack.provider.answer = (response) => void response.writeHead(200).end("{}");
    return json(await post("openai", { model: "real-openai", messages }));
  };

  it("no scan, no call", async () => {
    stack.answers.scanner = DOWN;
    expect(await ask()).toMatchObject({ code: "service_unavailable" });
    stack.answers.scanner = () => ({
      status: 500,
      body: createProblem("internal", { service: "dlp-scanner", detail: "x" }),
    });
    expect(await ask()).toMatchObject({ code: "service_unavailable" });
    stack.answers.scanner = () => ({ body: { action: "perhaps" } });
    expect(await ask()).toMatchObject({ code: "service_unavailable" });
    expect(admissions()).toEqual([]);
    expect(stack.provider.calls).toEqual([]);
  });

  it("a blocked request names rule and path and goes nowhere", async () => {
    stack.answers.scanner = () => ({
      body: { action: "block", findings: [], rule: "github-token", path: "/messages/0/content" },
    });
    const problem = await ask();
    expect(problem).toMatchObject({ code: "dlp_blocked", rule: "github-token", key: "dlp.model-requests" });
    expect(problem["detail"]).toContain("/messages/0/content");
    expect(stack.provider.calls).toEqual([]);
  });

  it("no reservation, no call", async () => {
    stack.answers.limiter = DOWN;
    expect(await ask()).toMatchObject({ code: "service_unavailable" });
    stack.answers.limiter = () => ({
      body: {
        outcome: "refused",
        code: "budget_exceeded",
        scope: "session",
        key: "limits.costPerSession",
        limit: 10,
        used: 9,
        retryAfterMs: null,
      },
    });
    expect(await ask()).toMatchObject({ code: "budget_exceeded", key: "limits.costPerSession" });
    expect(stack.provider.calls).toEqual([]);
  });

  it("no audit record, no call, and the reservation is released", async () => {
    stack.answers.auditor = DOWN;
    expect(await ask()).toMatchObject({ code: "service_unavailable" });
    expect(settlements()).toEqual([{ outcome: "release" }]);
    expect(stack.provider.calls).toEqual([]);
  });
});

describe("the mock provider", () => {
  it.each([
    ["openai", "mock-openai"],
    ["anthropic", "mock-anthropic"],
  ] as const)("answers in the %s dialect, and its usage is what is committed", async (dialect, model) => {
    const response = await post(dialect, { model, messages, max_tokens: 100 });
    const answer = await json(response);
    expect(JSON.stringify(answer)).toContain(
      "This is a mock model: no provider was called. You said: hello there",
    );
    const usage = answer["usage"] as Record<string, number>;
    const input = usage["prompt_tokens"] ?? usage["input_tokens"] ?? Number.NaN;
    const output = usage["completion_tokens"] ?? usage["output_tokens"] ?? Number.NaN;
    const spent = input * 3 + output * 15;
    expect(settlements()).toEqual([{ outcome: "commit", actualMicroUsd: spent }]);
    expect(response.headers.get("x-claws-spend-micro-usd")).toBe(String(spent));
    expect(audited()).toMatchObject([
      { event: "model.decided", outcome: "allow", subject: model, session: SESSION },
      {
        event: "model.settled",
        outcome: "done",
        detail: { spentMicroUsd: spent, isCounted: true, isBooked: true },
      },
    ]);
    const again = await post(dialect, { model, messages, max_tokens: 100 });
    expect(await json(again)).toEqual(answer);
    expect(stack.egress.targets).toEqual([]);
  });

  it.each([
    ["openai", "mock-openai", /data: \[DONE\]\n\n$/, "delta"],
    ["anthropic", "mock-anthropic", /event: message_stop\n/, "text_delta"],
  ] as const)("streams in the %s dialect", async (dialect, model, ending, piece) => {
    const response = await post(dialect, { model, messages, max_tokens: 100, stream: true });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const text = await response.text();
    expect(text).toMatch(ending);
    expect(text.split(`"${piece}"`).length).toBeGreaterThan(3);
    expect(settlements()).toMatchObject([{ outcome: "commit" }]);
    expect(audited().at(-1)).toMatchObject({
      event: "model.settled",
      outcome: "done",
      detail: { isCounted: true },
    });
  });

  it("keeps to the cap that the request lacks", async () => {
    const answer = await json(await post("openai", { model: "mock-openai", messages, max_tokens: 3 }));
    expect(answer).toMatchObject({
      choices: [{ message: { content: "This is a mo" }, finish_reason: "length" }],
    });
  });
});

describe("a real provider", () => {
  const usage = { prompt_tokens: 10, completion_tokens: 5 };
  const completion = {
    id: "c",
    choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
    usage,
  };
  const answerJson = (status: number, body: unknown) => {
    stack.provider.answer = (response) =>
      void response
        .writeHead(status, {
          "content-type": "application/json",
          "x-secret-header": "1",
          "x-request-id": "r1",
        })
        .end(JSON.stringify(body));
  };

  it("is reached through egress-filter with its own key, and never sees the agent's", async () => {
    answerJson(200, completion);
    const response = await post(
      "openai",
      { model: "real-openai", messages },
      {
        cookie: "a=b",
        "x-api-key": "agent-key",
        "x-forwarded-for": "1.2.3.4",
        "openai-beta": "x=y",
        "openai-organization": "org",
      },
    );
    expect(await json(response)).toEqual(completion);
    expect(response.headers.get("x-request-id")).toBe("r1");
    expect(response.headers.get("x-secret-header")).toBeNull();
    expect(stack.egress.targets).toHaveLength(1);
    const [call] = stack.provider.calls;
    expect(call?.path).toBe("/v1/chat/completions");
    expect(call?.body).toEqual({ model: "real-openai", messages, max_completion_tokens: 1_000 });
    expect(call?.headers.authorization).toBe(`Bearer ${PROVIDER_KEY}`);
    expect(Object.keys(call?.headers ?? {}).sort()).toEqual([
      "accept",
      "accept-encoding",
      "authorization",
      "connection",
      "content-length",
      "content-type",
      "host",
      "user-agent",
    ]);
    expect(JSON.stringify(call)).not.toContain(token);
    expect(settlements()).toEqual([{ outcome: "commit", actualMicroUsd: 10 * 3 + 5 * 15 }]);
  });

  it("gets the anthropic key and version as that dialect sends them", async () => {
    answerJson(200, { type: "message", content: [], usage: { input_tokens: 1, output_tokens: 1 } });
    await post(
      "anthropic",
      { model: "real-anthropic", max_tokens: 10, messages },
      { "anthropic-beta": "b1" },
    );
    const headers = stack.provider.calls[0]?.headers;
    expect(headers).toMatchObject({
      "x-api-key": PROVIDER_KEY,
      "anthropic-version": "2023-06-01",
    });
    expect(headers?.authorization).toBeUndefined();
  });

  it("gets what is left after redaction", async () => {
    answerJson(200, completion);
    stack.answers.scanner = ({ body }) => {
      const { direction, content } = body as { direction: string; content: Body };
      if (direction === "model-responses") return { body: { action: "allow", findings: [] } };
      const redacted = { ...content, messages: [{ role: "user", content: "[redacted:x]" }] };
      return { body: { action: "redact", findings: [], content: redacted } };
    };
    await post("openai", { model: "real-openai", messages });
    expect(stack.provider.calls[0]?.body["messages"]).toEqual([{ role: "user", content: "[redacted:x]" }]);
  });

  it("without a key is not called, and says how to set it", async () => {
    const problem = await json(await post("openai", { model: "keyless-openai", messages }));
    expect(problem).toMatchObject({ code: "model_unavailable" });
    expect(problem["detail"]).toContain("./claws secrets set nobody-set-it");
    expect(settlements()).toEqual([{ outcome: "release" }]);
  });

  it("that egress-filter refuses costs nothing, and the refusal is passed on", async () => {
    stack.egress.refusal = createProblem("egress_denied", {
      service: "egress-filter",
      detail: "no rule",
      key: "egress.rules",
    });
    const problem = await json(await post("openai", { model: "unconnected-openai", messages }));
    expect(problem).toMatchObject({ code: "egress_denied", service: "egress-filter", key: "egress.rules" });
    expect(settlements()).toEqual([{ outcome: "release" }]);
  });

  it("with a certificate that nobody vouches for is sent nothing", async () => {
    const problem = await json(await post("openai", { model: "untrusted-openai", messages }));
    expect(problem).toMatchObject({ code: "model_unavailable" });
    expect(stack.egress.targets).toHaveLength(1);
    expect(settlements()).toEqual([{ outcome: "release" }]);
  });

  it("that breaks off before it answers costs the whole estimate", async () => {
    stack.provider.answer = (response) => void response.destroy();
    expect(await json(await post("openai", { model: "real-openai", messages }))).toMatchObject({
      code: "model_unavailable",
    });
    const [admission] = admissions();
    expect(settlements()).toEqual([{ outcome: "commit", actualMicroUsd: admission?.["estimateMicroUsd"] }]);
  });

  it("that answers without a usage costs the whole estimate", async () => {
    answerJson(200, { ...completion, usage: null });
    await post("openai", { model: "real-openai", messages });
    const [admission] = admissions();
    expect(settlements()).toEqual([{ outcome: "commit", actualMicroUsd: admission?.["estimateMicroUsd"] }]);
  });

  it.each([
    [400, 400, undefined, 0],
    [429, 429, undefined, 0],
    [401, 502, "model_unavailable", 0],
    [503, 503, undefined, 0],
    [500, 502, "model_unavailable", "estimate"],
  ])("that answers %d gives %d (%s) and costs %s", async (status, given, code, cost) => {
    answerJson(status, { error: { message: "no", type: "x" } });
    const response = await post("openai", { model: "real-openai", messages });
    expect(response.status).toBe(given);
    const body = await json(response);
    if (code) expect(body).toMatchObject({ code });
    else expect(body).toEqual({ error: { message: "no", type: "x" } });
    const expected = cost === "estimate" ? admissions()[0]?.["estimateMicroUsd"] : cost;
    expect(settlements()).toEqual([{ outcome: "commit", actualMicroUsd: expected }]);
  });

  it("has its answer withheld when the scan says so, and is paid all the same", async () => {
    answerJson(200, completion);
    stack.answers.scanner = ({ body }) =>
      (body as Body)["direction"] === "model-responses"
        ? { body: { action: "block", findings: [], rule: "jwt", path: "/choices/0" } }
        : { body: { action: "allow", findings: [] } };
    expect(await json(await post("openai", { model: "real-openai", messages }))).toMatchObject({
      code: "dlp_blocked",
    });
    expect(settlements()).toEqual([{ outcome: "commit", actualMicroUsd: 105 }]);
    expect(audited().at(-1)).toMatchObject({ event: "model.withheld", outcome: "deny", code: "dlp_blocked" });
  });

  it("streams through: usage is asked for, counted and committed", async () => {
    stack.provider.answer = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"choices":[{"delta":{"content":"h"}}]}\n\ndata: {"choi');
      response.end('ces":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\ndata: [DONE]\n\n');
    };
    const response = await post("openai", { model: "real-openai", messages, stream: true });
    expect(await response.text()).toContain('"content":"h"');
    expect(stack.provider.calls[0]?.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(settlements()).toEqual([{ outcome: "commit", actualMicroUsd: 7 * 3 + 2 * 15 }]);
    expect(stack.scanner.requests).toHaveLength(1);
  });

  it("is cut off when the agent leaves in mid-stream, and the estimate is charged", async () => {
    const left = Promise.withResolvers<void>();
    stack.provider.answer = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"choices":[]}\n\n');
      response.once("close", () => left.resolve());
    };
    const agent = new AbortController();
    const response = await post("openai", { model: "real-openai", messages, stream: true }, {}, agent.signal);
    const reader = response.body?.getReader();
    await reader?.read();
    agent.abort();
    await left.promise;
    await vi.waitFor(() =>
      expect(audited().at(-1)).toMatchObject({ event: "model.settled", outcome: "failed" }),
    );
    const [admission] = admissions();
    expect(settlements()).toEqual([{ outcome: "commit", actualMicroUsd: admission?.["estimateMicroUsd"] }]);
  });

  it("that breaks off in mid-stream breaks the agent's stream, not the service", async () => {
    stack.provider.answer = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"choices":[]}\n\n', () => response.destroy());
    };
    const response = await post("openai", { model: "real-openai", messages, stream: true });
    await expect(response.text()).rejects.toThrow();
    await vi.waitFor(() => expect(settlements()).toHaveLength(1));
    expect((await post("openai", { model: "mock-openai", messages })).status).toBe(200);
  });
});

describe("the other routes", () => {
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${stack.origin}${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });

  it.each([
    [{}, ["mock-openai", "real-openai", "keyless-openai", "unconnected-openai", "untrusted-openai"]],
    [{ "anthropic-version": "2023-06-01" }, ["mock-anthropic", "real-anthropic"]],
  ])("models of the caller's dialect are listed: %j", async (headers, names) => {
    const { data } = (await json(await get("/v1/models", headers))) as {
      data: { id: string }[];
    };
    expect(data.map(({ id }) => id)).toEqual(names);
  });

  it("the session's spend is rate-limiter's", async () => {
    expect(await json(await get("/v1/claws/spend"))).toMatchObject({
      agent: "main",
      session: SESSION,
      committedMicroUsd: 7,
    });
  });

  it("neither is open without a token", async () => {
    for (const path of ["/v1/models", "/v1/claws/spend"]) {
      expect((await fetch(`${stack.origin}${path}`)).status).toBe(401);
    }
  });
});
