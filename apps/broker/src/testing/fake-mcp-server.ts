import { Duplex, duplexPair } from "node:stream";
import type { JsonValue } from "@claws/contracts";
import type { ServerStdio } from "../upstream/launcher-stdio.ts";

export interface DeclaredTool {
  readonly name: string;
  readonly inputSchema: Record<string, JsonValue>;
  readonly [field: string]: unknown;
}

type JsonObject = Record<string, unknown>;

export interface FakeMcpServer {
  readonly imageDigest: string;
  readonly tools: readonly DeclaredTool[];
  /** Each line that asked for a call, as it came. */
  readonly received: string[];
  /** The result of a call; undefined for no answer at all. */
  answer: (name: string, values: JsonObject) => JsonObject | undefined;
  /** How often it was started. */
  starts: number;
  /** Else asking for its tools fails. */
  respondsToLists: boolean;
  /** A new process, with its stdin and stdout. */
  start(): ServerStdio;
  running(): number;
  /** Ends all that run, as a crash would. */
  crash(): void;
}

export const IMAGE_DIGEST = `sha256:${"1".repeat(64)}`;

const ANY_OBJECT: DeclaredTool["inputSchema"] = { type: "object" };

/** Tools that take anything. */
export const declare = (...names: string[]): DeclaredTool[] =>
  names.map((name) => ({ name, description: `the tool ${name}`, inputSchema: ANY_OBJECT }));

/** An MCP server in memory, one JSON-RPC message per line, without any SDK between it and the bytes. */
export function createFakeMcpServer(
  tools: readonly DeclaredTool[],
  imageDigest: string = IMAGE_DIGEST,
): FakeMcpServer {
  const streams = new Set<Duplex>();
  const serve = (stream: Duplex) => {
    let buffered = "";
    streams.add(stream);
    stream.on("end", () => stream.destroy()).on("close", () => streams.delete(stream));
    stream.setEncoding("utf8").on("data", (text: string) => {
      const lines = (buffered + text).split("\n");
      buffered = lines.pop() ?? "";
      for (const line of lines) {
        const result = server.respond(line);
        if (result !== undefined && stream.writable) stream.write(`${result}\n`);
      }
    });
  };
  const server = {
    imageDigest,
    tools,
    received: [] as string[],
    starts: 0,
    respondsToLists: true,
    answer: (name: string, values: JsonObject): JsonObject | undefined => ({
      content: [{ type: "text", text: `${name} ${JSON.stringify(values)}` }],
    }),
    respond(line: string): string | undefined {
      const { id, method, params } = JSON.parse(line) as { id?: number; method: string; params?: JsonObject };
      if (id === undefined) return undefined;
      const reply = (result: JsonObject) => JSON.stringify({ jsonrpc: "2.0", id, result });
      const fail = (message: string) =>
        JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32_603, message } });
      if (method === "initialize") {
        const { protocolVersion } = params as { protocolVersion: string };
        return reply({
          protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: "fake", version: "1" },
        });
      }
      if (method === "tools/list" && !server.respondsToLists) return fail("no list today");
      if (method === "tools/list") return reply({ tools: server.tools });
      if (method !== "tools/call") return fail("no such method");
      const { name, arguments: values } = params as { name: string; arguments: JsonObject };
      server.received.push(line);
      try {
        const result = server.answer(name, values);
        return result === undefined ? undefined : reply(result);
      } catch (error) {
        return fail((error as Error).message);
      }
    },
    start(): ServerStdio {
      const [ours, theirs] = duplexPair();
      server.starts++;
      serve(theirs);
      return { stream: ours, imageDigest };
    },
    running: () => streams.size,
    crash: () => streams.forEach((stream) => stream.end(() => stream.destroy())),
  };
  return server;
}
