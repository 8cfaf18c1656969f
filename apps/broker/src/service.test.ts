import { generateKeyPairSync } from "node:crypto";
import { createProblem, type Problem } from "@claws/contracts";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { NeighbourAnswers } from "./testing/start-neighbours.ts";
import { type RunningBroker, startBroker } from "./testing/start-broker.ts";
import { READER } from "./testing/test-policy.ts";

let broker: RunningBroker;
beforeAll(async () => {
  broker = await startBroker();
});
beforeEach(() => broker.neighbours.reset());
afterAll(() => broker.close());

const DOWN = () => createProblem("service_unavailable", { service: "neighbour", detail: "down for a test" });
const MODERN = "2026-07-28";
const ALL_TOOLS = ["fs__read_file", "fs__write_file", "mail__echo", "mail__send"];

interface Asked {
  readonly body?: string | Uint8Array;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

/** A request of an agent; headers that are `""` are left out. */
function ask(path: string, { body, headers = {}, method = body === undefined ? "GET" : "POST" }: Asked = {}) {
  const all = {
    authorization: `Bearer ${broker.token}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...headers,
  };
  const sent = Object.entries(all).filter(([, value]) => value !== "");
  return fetch(new URL(path, broker.url), { method, headers: sent, ...(body === undefined ? {} : { body }) });
}

const problemOf = async (response: Response) => {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return (await response.json()) as Problem;
};

describe.each([
  ["2025-11-25", undefined],
  [MODERN, { versionNegotiation: { mode: { pin: MODERN } } }],
  ["whichever both know", { versionNegotiation: { mode: "auto" as const } }],
])("the official MCP client, speaking %s,", (_revision, options) => {
  const clients: Client[] = [];
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });

  async function connect(token = broker.token) {
    const client = new Client({ name: "an-agent", version: "1" }, options);
    clients.push(client);
    await client.connect(
      new StreamableHTTPClientTransport(new URL("/mcp", broker.url), {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
    );
    return client;
  }

  it("lists the tools that it may call", async () => {
    const { tools } = await (await connect()).listTools();
    expect(tools.map(({ name }) => name)).toEqual(ALL_TOOLS);
    const reader = await connect(await broker.issueToken(READER));
    expect((await reader.listTools()).tools.map(({ name }) => name)).toEqual(["fs__read_file"]);
  });

  it("calls a tool", async () => {
    const result = await (await connect()).callTool({ name: "mail__echo", arguments: { text: "hi" } });
    expect(result).toMatchObject({ content: [{ type: "text", text: 'echo {"text":"hi"}' }] });
    expect(result.isError).toBeFalsy();
    expect(broker.neighbours.records().map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
      "call.decided allow",
      "call.settled done",
    ]);
  });

  it("reads a refusal as a result that says who refused, by which key", async () => {
    const result = await (await connect()).callTool({ name: "fs__delete", arguments: {} });
    expect(result).toMatchObject({
      isError: true,
      content: [
        {
          text: expect.stringMatching(
            /^Refused by broker \(tool_not_allowed\): .* \[profile key tools\.block\]$/,
          ),
        },
      ],
      _meta: { "sandbox-claws/problem": { code: "tool_not_allowed", key: "tools.block" } },
    });
  });

  it("reads a hold as a result that says how to resume", async () => {
    const { gateway } = broker.neighbours.answers;
    broker.neighbours.answers.gateway = (request) =>
      request.method === "POST" ? { ...(gateway(request) as object), state: "pending" } : pendingStatus();
    const result = await (await connect()).callTool({ name: "mail__send", arguments: { to: "a" } });
    expect(result.isError).toBeFalsy();
    expect(result).toMatchObject({
      content: [{ text: expect.stringContaining("Send the same call again to resume") }],
      _meta: { "sandbox-claws/pending": { approval: APPROVAL } },
    });
  });

  it("is told which tool there is not", async () => {
    const client = await connect();
    for (const name of ["fs__none", "none", "fs__bad name"]) {
      expect(await client.callTool({ name, arguments: {} })).toMatchObject({
        isError: true,
        _meta: { "sandbox-claws/problem": { code: "tool_unknown" } },
      });
    }
  });
});

const APPROVAL = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b02";
const pendingStatus = () => {
  const digest = (broker.neighbours.asked("gateway")[0]?.path ?? "").split("/").at(-1);
  const waiting = broker.neighbours.asked("gateway").some(({ method }) => method === "POST");
  return waiting
    ? { id: APPROVAL, state: "pending", digest, expiresAt: Date.now() + 60_000, reservation: APPROVAL }
    : createProblem("not_found", { service: "approval-gateway", detail: "none is open" });
};

describe("the REST face", () => {
  const call = (tool: string, values: object = {}) =>
    ask(`/v1/tools/${tool}/call`, { body: JSON.stringify({ arguments: values }) });

  it("lists the same tools as MCP does", async () => {
    const { tools } = (await (await ask("/v1/tools")).json()) as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toEqual(ALL_TOOLS);
  });

  it("calls a tool through the same pipeline", async () => {
    const response = await call("mail__echo", { text: "hi" });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: "done",
      content: [{ type: "text", text: 'echo {"text":"hi"}' }],
    });
  });

  it("says failed where the tool failed", async () => {
    const server = broker.neighbours.servers["mail"];
    const answer = server?.answer;
    Object.assign(server ?? {}, { answer: () => ({ content: [], isError: true }) });
    expect(await (await call("mail__echo")).json()).toMatchObject({ status: "failed" });
    Object.assign(server ?? {}, { answer });
  });

  it("answers 202 where a person must decide", async () => {
    const { gateway } = broker.neighbours.answers;
    broker.neighbours.answers.gateway = (request) =>
      request.method === "POST" ? { ...(gateway(request) as object), state: "pending" } : pendingStatus();
    const response = await call("mail__send", { to: "b" });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ status: "pending", approval: { id: APPROVAL } });
  });

  it.each([
    ["/v1/tools/fs__none/call", "{}", 404, "tool_unknown"],
    ["/v1/tools/none/call", "{}", 404, "tool_unknown"],
    ["/v1/tools/%zz/call", "{}", 400, "request_invalid"],
    ["/v1/tools/fs__delete/call", "{}", 403, "tool_not_allowed"],
    ["/v1/tools/mail__echo/call", '{"argument":{}}', 400, "request_invalid"],
    ["/v1/tools/mail__echo/call", '{"arguments":[]}', 400, "request_invalid"],
    ["/v1/tools/mail__echo/call", '{"arguments":{},"session":"x"}', 400, "request_invalid"],
    ["/v1/tools/mail__echo", "{}", 404, "not_found"],
    ["/v1/tools/mail__send/call", "{}", 403, "approval_denied"],
  ])("refuses %s with %s", async (path, body, status, code) => {
    const response = await ask(path, { body });
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ code, status });
  });
});

describe("what is listed is what may be called", () => {
  it.each([
    ["main", {}],
    ["reader", READER],
  ])("for %s", async (_agent, identity) => {
    const authorization = `Bearer ${await broker.issueToken(identity)}`;
    const { tools } = (await (await ask("/v1/tools", { headers: { authorization } })).json()) as {
      tools: { name: string }[];
    };
    const listed = new Set(tools.map(({ name }) => name));
    const declared = Object.entries(broker.neighbours.servers).flatMap(([server, fake]) =>
      fake.tools.map(({ name }) => `${server}__${name}`),
    );
    expect(declared).toHaveLength(6);
    for (const tool of declared) {
      const response = await ask(`/v1/tools/${tool}/call`, { body: "{}", headers: { authorization } });
      const { code } = (await response.json()) as { code?: string };
      expect([tool, code === "tool_not_allowed"]).toEqual([tool, !listed.has(tool)]);
    }
  });
});

describe("both faces", () => {
  const initialize = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } },
  };
  const mcpCall = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "mail__echo", arguments: {} },
  };

  it.each([
    ["a batch", `[${JSON.stringify(mcpCall)}]`],
    ["an empty batch", "[]"],
    ["a key twice", JSON.stringify(mcpCall).replace("{", '{"id":2,')],
    ["a tool named twice", JSON.stringify(mcpCall).replace('"name"', '"name":"fs__read_file","name"')],
    ["a key in two cases", JSON.stringify(mcpCall).replace('"params"', '"Params":{},"params"')],
    ["a prototype", JSON.stringify(mcpCall).replace('"arguments":{}', '"arguments":{"__proto__":{"a":1}}')],
    ["something after it", `${JSON.stringify(mcpCall)}${JSON.stringify(mcpCall)}`],
    ["a comment", `/**/${JSON.stringify(mcpCall)}`],
    ["an unsafe integer", JSON.stringify(mcpCall).replace('"id":1', '"id":9007199254740993')],
    ["nesting beyond reason", JSON.stringify(mcpCall).replace("{}", "[".repeat(70) + "]".repeat(70))],
    ["no body at all", ""],
  ])("refuse %s, before anybody is asked", async (_what, body) => {
    for (const path of ["/mcp", "/v1/tools/mail__echo/call"]) {
      const response = await ask(path, { body, method: "POST" });
      expect(response.status).toBe(400);
      expect(["body_malformed", "request_invalid"]).toContain((await problemOf(response)).code);
    }
    expect(broker.neighbours.asked("scanner")).toEqual([]);
    expect(broker.neighbours.servers["mail"]?.received).toEqual([]);
  });

  it.each([
    ["a byte order mark", Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(JSON.stringify(mcpCall))])],
    ["UTF-16", Buffer.from(JSON.stringify(mcpCall), "utf16le")],
    ["a broken character", Buffer.concat([Buffer.from('{"a":"'), Buffer.of(0xc3), Buffer.from('"}')])],
  ])("refuse a body with %s", async (_what, body) => {
    for (const path of ["/mcp", "/v1/tools/mail__echo/call"]) {
      expect(await problemOf(await ask(path, { body }))).toMatchObject({ code: "body_malformed" });
    }
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json-rpc",
    "",
  ])("refuse a body of content type %j", async (type) => {
    for (const path of ["/mcp", "/v1/tools/mail__echo/call"]) {
      const body = Buffer.from(JSON.stringify(mcpCall));
      expect(await problemOf(await ask(path, { body, headers: { "content-type": type } }))).toMatchObject({
        code: "body_malformed",
      });
    }
  });

  it("refuse a body over 4 MiB", async () => {
    const body = JSON.stringify({ arguments: { text: "x".repeat(4 * 1024 * 1024) } });
    for (const path of ["/mcp", "/v1/tools/mail__echo/call"]) {
      expect(await problemOf(await ask(path, { body }))).toMatchObject({
        code: "body_too_large",
        status: 413,
      });
    }
  });

  const ADDRESSES: readonly (readonly [string, Asked])[] = [
    ["/mcp", { body: JSON.stringify(initialize) }],
    ["/mcp", {}],
    ["/mcp", { method: "DELETE" }],
    ["/v1/tools", {}],
    ["/v1/tools/mail__echo/call", { body: "{}" }],
  ];

  async function refusals(headers: Record<string, string>) {
    const responses = await Promise.all(ADDRESSES.map(([path, asked]) => ask(path, { ...asked, headers })));
    return Promise.all(responses.map(async (response) => (await problemOf(response)).code));
  }
  const everywhere = (code: string) => ADDRESSES.map(() => code);

  it("ask for a token at every address", async () => {
    expect(await refusals({ authorization: "" })).toEqual(everywhere("token_missing"));
    expect(await refusals({ authorization: "Basic YTpi" })).toEqual(everywhere("token_missing"));
  });

  it("refuse a token that is not theirs", async () => {
    const stranger = generateKeyPairSync("ed25519").privateKey;
    for (const token of [
      "x",
      await broker.issueToken({ lifetimeSeconds: -1 }),
      await broker.issueToken({ audience: ["model-gateway"] }),
      await broker.issueToken({}, stranger),
    ]) {
      expect(await refusals({ authorization: `Bearer ${token}` })).toEqual(everywhere("token_invalid"));
    }
  });

  it.each(["https://evil.example", "http://127.0.0.1:7000", "null"])(
    "refuse web pages, here from %s",
    async (origin) => {
      expect(await refusals({ origin })).toEqual(everywhere("cross_site"));
    },
  );

  it("refuse an MCP request whose headers name another method than its body", async () => {
    const meta = {
      "io.modelcontextprotocol/protocolVersion": MODERN,
      "io.modelcontextprotocol/clientInfo": { name: "x", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const body = JSON.stringify({ ...mcpCall, params: { ...mcpCall.params, _meta: meta } });
    const version = { "mcp-protocol-version": MODERN };
    for (const lie of [
      { "mcp-method": "tools/list" },
      { "mcp-method": "tools/call", "mcp-name": "fs__read_file" },
    ]) {
      const response = await ask("/mcp", { body, headers: { ...version, ...lie } });
      expect(response.status).toBe(400);
    }
    const honest = { ...version, "mcp-method": "tools/call", "mcp-name": "mail__echo" };
    expect((await ask("/mcp", { body, headers: honest })).status).toBe(200);
    expect(broker.neighbours.servers["mail"]?.received).toHaveLength(1);
  });
});

describe("when a neighbour is down, nothing runs:", () => {
  it.each<[keyof NeighbourAnswers, string]>([
    ["limiter", "mail__echo"],
    ["scanner", "mail__echo"],
    ["auditor", "mail__echo"],
    ["gateway", "mail__send"],
  ])("%s", async (neighbour, tool) => {
    broker.neighbours.answers[neighbour] = DOWN;
    const response = await ask(`/v1/tools/${tool}/call`, { body: "{}" });
    expect(response.status).toBe(503);
    expect(await problemOf(response)).toMatchObject({ code: "service_unavailable", service: "neighbour" });
    expect(broker.neighbours.servers["mail"]?.received).toEqual([]);
  });

  it("launcher", async () => {
    const { servers } = broker.neighbours;
    const { mail } = servers;
    delete servers["mail"];
    mail?.crash();
    await expect.poll(() => mail?.running()).toBe(0);
    const { status } = await ask("/v1/tools/mail__echo/call", { body: "{}" });
    expect(status).toBe(502);
    Object.assign(servers, { mail });
  });
});

describe("readiness", () => {
  it("is a yes while every neighbour answers", async () => {
    expect(await broker.readiness()).toEqual({ ready: true, missing: [] });
  });
});
