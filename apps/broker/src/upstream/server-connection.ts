import {
  type AgentId,
  createProblem,
  type JsonValue,
  type Problem,
  type ServerName,
  ToolName,
} from "@claws/contracts";
import { ProblemError, type Logger } from "@claws/service-kit";
import { Client, SdkError, SdkErrorCode } from "@modelcontextprotocol/client";
import { CfWorkerJsonSchemaValidator } from "@modelcontextprotocol/client/validators/cf-worker";
import type { Duplex } from "node:stream";
import type { ToolResult } from "../call-outcome.ts";
import { StdioTransport } from "./stdio-transport.ts";
import { createToolDefinition, type ToolDefinition } from "./tool-definition.ts";

/** How a call ended upstream. `unsent` and `failed` are certain; `unknown` must never be retried blindly. */
export type UpstreamOutcome =
  | { readonly kind: "answered"; readonly result: ToolResult }
  | { readonly kind: "unsent" | "failed" | "unknown"; readonly problem: Problem };

export interface UpstreamCall {
  readonly tool: ToolName;
  readonly arguments: Readonly<Record<string, JsonValue>>;
  readonly deadlineMs: number;
}

/** One agent's connection to one server: started on first use, started again when it went away. */
export interface ServerConnection {
  tools(): Promise<ReadonlyMap<ToolName, ToolDefinition>>;
  call(call: UpstreamCall): Promise<UpstreamOutcome>;
  close(): Promise<void>;
}

export interface ServerConnectionOptions {
  readonly server: ServerName;
  readonly agent: AgentId;
  readonly openStdio: (server: ServerName, agent: AgentId) => Promise<Duplex>;
  readonly logger: Logger;
}

interface Connected {
  readonly client: Client;
  readonly tools: ReadonlyMap<ToolName, ToolDefinition>;
}

const CONNECT_TIMEOUT_MS = 20_000;
/** After a failed start the next try waits this long: a broken server must not become a start loop. */
const PAUSE_MS = 2_000;
const MAX_TOOLS = 500;

export function createServerConnection({
  server,
  agent,
  openStdio,
  logger,
}: ServerConnectionOptions): ServerConnection {
  let connecting: Promise<Connected> | undefined;
  let failedAt = 0;

  const connect = async (): Promise<Connected> => {
    const transport = new StdioTransport(await openStdio(server, agent));
    const client = new Client(
      { name: "sandbox-claws-broker", version: "1" },
      { jsonSchemaValidator: new CfWorkerJsonSchemaValidator() },
    );
    client.onerror = (error) =>
      logger.warn({ server, agent, reason: error.message }, "server spoke out of turn");
    client.onclose = () => {
      connecting = undefined;
      logger.info({ server, agent }, "server went away");
    };
    await client.connect(transport, { timeout: CONNECT_TIMEOUT_MS });
    const tools = await readTools(client, server, logger);
    logger.info({ server, agent, tools: tools.size }, "server connected");
    return { client, tools };
  };

  const connected = (): Promise<Connected> => {
    if (connecting !== undefined) return connecting;
    if (Date.now() - failedAt < PAUSE_MS) {
      return Promise.reject(unavailable(server, "it failed to start a moment ago"));
    }
    const attempt = connect().catch((error: unknown) => {
      failedAt = Date.now();
      if (connecting === attempt) connecting = undefined;
      throw error instanceof ProblemError ? error : unavailable(server, (error as Error).message);
    });
    connecting = attempt;
    return attempt;
  };

  return {
    tools: async () => (await connected()).tools,
    async call({ tool, arguments: values, deadlineMs }) {
      let client: Client;
      try {
        ({ client } = await connected());
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        return { kind: "unsent", problem: error.problem };
      }
      try {
        const name = tool.slice(server.length + 2);
        const answer = await client.callTool({ name, arguments: values }, { timeout: deadlineMs });
        const result: ToolResult = {
          content: answer.content as JsonValue[],
          failed: answer.isError === true,
          ...(answer.structuredContent === undefined
            ? {}
            : { structuredContent: answer.structuredContent as Record<string, JsonValue> }),
        };
        return { kind: "answered", result };
      } catch (error) {
        return outcomeOf(error, server, tool, deadlineMs);
      }
    },
    async close() {
      const current = connecting;
      connecting = undefined;
      if (current === undefined) return;
      const client = await current.then(
        (it) => it.client,
        () => undefined,
      );
      await client?.close();
    },
  };
}

async function readTools(
  client: Client,
  server: ServerName,
  logger: Logger,
): Promise<ReadonlyMap<ToolName, ToolDefinition>> {
  const { tools } = await client.listTools();
  const definitions = new Map<ToolName, ToolDefinition>();
  for (const tool of tools.slice(0, MAX_TOOLS)) {
    const name = ToolName.safeParse(`${server}__${tool.name}`);
    if (!name.success || definitions.has(name.data)) {
      logger.warn({ server, tool: tool.name.slice(0, 80) }, "tool left out: its name is odd or taken");
      continue;
    }
    try {
      definitions.set(name.data, createToolDefinition(name.data, tool));
    } catch (error) {
      logger.warn(
        { server, tool: tool.name, reason: (error as Error).message },
        "tool left out: its schema cannot be used",
      );
    }
  }
  return definitions;
}

function unavailable(server: ServerName, reason: string): ProblemError {
  return ProblemError.of("server_unavailable", {
    service: "broker",
    detail: `${server}: ${reason}`,
    retryAfterMs: PAUSE_MS,
  });
}

function outcomeOf(error: unknown, server: ServerName, tool: ToolName, deadlineMs: number): UpstreamOutcome {
  const message = error instanceof Error ? error.message : String(error);
  const problem = (code: Parameters<typeof createProblem>[0], detail: string) =>
    createProblem(code, { service: "broker", detail });
  if (error instanceof SdkError) {
    switch (error.code) {
      case SdkErrorCode.RequestTimeout:
        return {
          kind: "unknown",
          problem: problem("server_timeout", `${tool}: no answer in ${deadlineMs} ms; it may still have run`),
        };
      case SdkErrorCode.NotConnected:
        return { kind: "unsent", problem: problem("server_unavailable", `${server}: it is not connected`) };
      default:
        return {
          kind: "unknown",
          problem: problem("outcome_unknown", `${tool}: ${server} went away during the call: ${message}`),
        };
    }
  }
  if (/output schema|structured content/i.test(message)) {
    return { kind: "failed", problem: problem("result_invalid", `${tool}: ${message}`) };
  }
  return {
    kind: "answered",
    result: { content: [{ type: "text", text: `${server}: ${message}` }], failed: true },
  };
}
