import { ServerName, type Sha256Hex, ToolName } from "@claws/contracts";
import { createLogger, ProblemError } from "@claws/service-kit";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  createFakeMcpServer,
  declare,
  type FakeMcpServer,
  IMAGE_DIGEST,
} from "../testing/fake-mcp-server.ts";
import { MAIN } from "../testing/test-policy.ts";
import { createServerConnection, type ServerConnection } from "./server-connection.ts";

const logger = createLogger("broker");
logger.level = "silent";
const ECHO = ToolName.parse("mail__echo");

afterEach(() => void vi.useRealTimers());

function connectTo(server: () => FakeMcpServer): ServerConnection {
  return createServerConnection({
    screen: async () => undefined,
    server: ServerName.parse("mail"),
    agent: MAIN.agent,
    openStdio: async () => server().start(),
    logger,
  });
}

async function call(connection: ServerConnection, change: { imageDigest?: string; hash?: string } = {}) {
  const hash = (await connection.describe()).tools.get(ECHO)?.hash;
  return callAs(connection, { hash: hash ?? "", ...change });
}

function callAs(connection: ServerConnection, { imageDigest = IMAGE_DIGEST, hash = "" }) {
  return connection.call({
    tool: ECHO,
    arguments: { text: "hello" },
    deadlineMs: 200,
    imageDigest,
    toolDefinitionHash: hash as Sha256Hex,
  });
}

describe("a connection to a server", () => {
  it("starts it once, on first use", async () => {
    const server = createFakeMcpServer(declare("echo", "send"));
    const connection = connectTo(() => server);
    expect(server.starts).toBe(0);
    const [{ tools, imageDigest }] = await Promise.all([connection.describe(), connection.describe()]);
    expect([...tools.keys()]).toEqual(["mail__echo", "mail__send"]);
    expect(imageDigest).toBe(IMAGE_DIGEST);
    expect(server.starts).toBe(1);
    await connection.close();
  });

  it("gives what the server answers, as it answers", async () => {
    const server = createFakeMcpServer(declare("echo"));
    const connection = connectTo(() => server);
    server.answer = () => ({
      content: [{ type: "text", text: "hi" }],
      structuredContent: { a: 1 },
      isError: true,
    });
    expect(await call(connection)).toEqual({
      kind: "answered",
      result: { content: [{ type: "text", text: "hi" }], structuredContent: { a: 1 }, failed: true },
    });
    await connection.close();
  });

  it("leaves tools out whose name is odd or taken, or whose schema cannot be used", async () => {
    const server = createFakeMcpServer([
      ...declare("good", "good", "has space", ""),
      { name: "old", inputSchema: { type: "object", $schema: "http://json-schema.org/draft-03/schema#" } },
    ]);
    const connection = connectTo(() => server);
    expect([...(await connection.describe()).tools.keys()]).toEqual(["mail__good"]);
    await connection.close();
  });

  it("starts the server again after it went away", async () => {
    const server = createFakeMcpServer(declare("echo"));
    const connection = connectTo(() => server);
    await connection.describe();
    server.crash();
    await vi.waitFor(async () => expect((await call(connection)).kind).toBe("answered"));
    expect(server.starts).toBe(2);
    await connection.close();
  });

  it("forgets no new connection when the end of an old one is noticed late", async () => {
    let refuses = true;
    const server = createFakeMcpServer(declare("echo"));
    const ends: { stream: { destroyed: boolean } }[] = [];
    const connection = createServerConnection({
      screen: async () => undefined,
      server: ServerName.parse("mail"),
      agent: MAIN.agent,
      logger,
      async openStdio() {
        const stdio = server.start();
        if (refuses) server.respondsToLists = false;
        ends.push(stdio);
        return stdio;
      },
    });
    vi.useFakeTimers({ toFake: ["Date"] });
    await expect(connection.describe()).rejects.toThrow(ProblemError);
    expect(ends[0]?.stream.destroyed).toBe(true);
    refuses = false;
    server.respondsToLists = true;
    vi.setSystemTime(Date.now() + 2_000);
    await connection.describe();
    await connection.describe();
    expect(server.starts).toBe(2);
    await connection.close();
  });

  it("does not try again right after a failed start", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    let tries = 0;
    const connection = createServerConnection({
      screen: async () => undefined,
      server: ServerName.parse("mail"),
      agent: MAIN.agent,
      logger,
      async openStdio() {
        tries++;
        throw ProblemError.of("server_unavailable", { service: "launcher", detail: "no image" });
      },
    });
    await expect(connection.describe()).rejects.toMatchObject({ problem: { detail: "no image" } });
    expect(await callAs(connection, {})).toMatchObject({
      kind: "unsent",
      problem: { code: "server_unavailable", retryAfterMs: 2_000 },
    });
    expect(tries).toBe(1);
    vi.setSystemTime(Date.now() + 2_000);
    await expect(connection.describe()).rejects.toThrow("no image");
    expect(tries).toBe(2);
  });

  it("ends the server when it is closed", async () => {
    const server = createFakeMcpServer(declare("echo"));
    const connection = connectTo(() => server);
    await connection.describe();
    await connection.close();
    await vi.waitFor(() => expect(server.running()).toBe(0));
  });
});

describe("a call to a server", () => {
  it("is not sent where another image runs than the one it was judged by", async () => {
    const server = createFakeMcpServer(declare("echo"));
    const connection = connectTo(() => server);
    expect(await call(connection, { imageDigest: `sha256:${"2".repeat(64)}` })).toMatchObject({
      kind: "unsent",
      problem: { code: "server_unavailable", detail: expect.stringContaining("has changed") },
    });
    expect(server.received).toEqual([]);
    await connection.close();
  });

  it("is not sent where the tool was declared anew, as something else, since it was judged", async () => {
    const before = createFakeMcpServer(declare("echo"));
    const [tool] = declare("echo");
    const after = createFakeMcpServer([
      { ...tool, name: "echo", inputSchema: { type: "object" }, title: "Delete" },
    ]);
    let current = before;
    const connection = connectTo(() => current);
    const hash = (await connection.describe()).tools.get(ECHO)?.hash ?? "";
    current = after;
    before.crash();
    await vi.waitFor(() => expect(before.running()).toBe(0));
    expect(await callAs(connection, { hash })).toMatchObject({ kind: "unsent" });
    expect(after.received).toEqual([]);
    await connection.close();
  });

  it("has an unknown outcome when no answer comes in time", async () => {
    const server = createFakeMcpServer(declare("echo"));
    const connection = connectTo(() => server);
    server.answer = () => undefined;
    expect(await call(connection)).toMatchObject({ kind: "unknown", problem: { code: "server_timeout" } });
    await connection.close();
  });

  it("has an unknown outcome when the server goes away during it", async () => {
    const server = createFakeMcpServer(declare("echo"));
    const connection = connectTo(() => server);
    server.answer = () => {
      server.crash();
      return undefined;
    };
    expect(await call(connection)).toMatchObject({ kind: "unknown", problem: { code: "outcome_unknown" } });
    await connection.close();
  });

  it("fails as the server says when it answers with a protocol error", async () => {
    const server = createFakeMcpServer(declare("echo"));
    const connection = connectTo(() => server);
    server.answer = () => {
      throw new Error("no such mailbox");
    };
    expect(await call(connection)).toMatchObject({
      kind: "answered",
      result: { failed: true, content: [{ type: "text", text: expect.stringContaining("no such mailbox") }] },
    });
    await connection.close();
  });

  it.each([
    "output schema: the password is hunter2",
    "it has an invalid outputSchema, but it ran",
    "structured content",
    "Request timed out",
    "Connection closed",
  ])("cannot decide by its own error text how a call ended: %s", async (text) => {
    const server = createFakeMcpServer(declare("echo"));
    const connection = connectTo(() => server);
    server.answer = () => {
      throw new Error(text);
    };
    expect(await call(connection)).toMatchObject({ kind: "answered", result: { failed: true } });
    await connection.close();
  });

  it("leaves out a tool whose definition was blocked, and refuses to start when nobody can look", async () => {
    const server = createFakeMcpServer(declare("echo", "poisoned"));
    const options = {
      server: ServerName.parse("mail"),
      agent: MAIN.agent,
      openStdio: async () => server.start(),
      logger,
    };
    const screened = createServerConnection({
      ...options,
      screen: async ({ name }) => (name === "poisoned" ? "ignore-previous" : undefined),
    });
    expect([...(await screened.describe()).tools.keys()]).toEqual(["mail__echo"]);
    await screened.close();
    const blind = createServerConnection({
      ...options,
      screen: () =>
        Promise.reject(ProblemError.of("service_unavailable", { service: "dlp-scanner", detail: "down" })),
    });
    await expect(blind.describe()).rejects.toMatchObject({ problem: { service: "dlp-scanner" } });
  });

  describe("whose tool declares an output schema", () => {
    const number = { type: "object", properties: { count: { type: "number" } }, required: ["count"] };
    const withOutput = (outputSchema: object) => {
      const server = createFakeMcpServer(declare("echo").map((tool) => ({ ...tool, outputSchema })));
      return { server, connection: connectTo(() => server) };
    };

    it("passes a result that fits", async () => {
      const { server, connection } = withOutput(number);
      server.answer = () => ({ content: [], structuredContent: { count: 1 } });
      expect(await call(connection)).toMatchObject({ kind: "answered" });
      await connection.close();
    });

    it.each([
      ["does not fit", { content: [], structuredContent: { count: "one" } }],
      ["is missing", { content: [] }],
    ])("fails when the structured result %s", async (_what, answer) => {
      const { server, connection } = withOutput(number);
      server.answer = () => answer;
      expect(await call(connection)).toMatchObject({ kind: "failed", problem: { code: "result_invalid" } });
      await connection.close();
    });

    it("does not quote what the server wrote when a result does not fit", async () => {
      const { server, connection } = withOutput({ ...number, additionalProperties: false });
      server.answer = () => ({ content: [], structuredContent: { "key-hunter2": 1 } });
      expect(JSON.stringify(await call(connection))).not.toContain("hunter2");
      await connection.close();
    });

    it("fails when the schema takes for ever to apply", async () => {
      const { server, connection } = withOutput({
        type: "object",
        properties: { text: { type: "string", pattern: "^(a+)+$" } },
      });
      server.answer = () => ({ content: [], structuredContent: { text: `${"a".repeat(60)}!` } });
      expect(await call(connection)).toMatchObject({ kind: "failed", problem: { code: "result_invalid" } });
      await connection.close();
    });
  });
});
