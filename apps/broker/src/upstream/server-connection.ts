import {
  type AgentId,
  createProblem,
  type JsonValue,
  type Problem,
  type ServerName,
  type Sha256Hex,
  ToolName,
} from "@claws/contracts";
import { ProblemError, type Logger } from "@claws/service-kit";
import { type CallToolResult, Client, SdkError, SdkErrorCode } from "@modelcontextprotocol/client";
import type { ToolResult } from "../call-outcome.ts";
import type { ServerStdio } from "./launcher-stdio.ts";
import type { ScreenDefinition } from "./screen-definition.ts";
import { StdioTransport } from "./stdio-transport.ts";
import { createToolDefinition, type ToolDefinition } from "./tool-definition.ts";

/** How a call ended upstream. `unsent` and `failed` are certain; `unknown` must never be retried blindly. */
export type UpstreamOutcome =
  | { readonly kind: "answered"; readonly result: ToolResult }
  | { readonly kind: "unsent" | "failed" | "unknown"; readonly problem: Problem };

export interface UpstreamCall {
  readonly tool: ToolName;
  /** What the call was judged by: a server that was started anew as something else does not get it. */
  readonly imageDigest: string;
  readonly toolDefinitionHash: Sha256Hex;
  readonly arguments: Readonly<Record<string, JsonValue>>;
  readonly deadlineMs: number;
}

/** What runs now, and the tools as it declares them. */
export interface RunningServer {
  readonly imageDigest: string;
  readonly tools: ReadonlyMap<ToolName, ToolDefinition>;
}

/** One agent's connection to one server: started on first use, started again when it went away. */
export interface ServerConnection {
  /** Throws ProblemError when it does not start. */
  describe(): Promise<RunningServer>;
  call(call: UpstreamCall): Promise<UpstreamOutcome>;
  close(): Promise<void>;
}

export interface ServerConnectionOptions {
  readonly server: ServerName;
  readonly agent: AgentId;
  readonly openStdio: (server: ServerName, agent: AgentId) => Promise<ServerStdio>;
  readonly screen: ScreenDefinition;
  readonly logger: Logger;
}

interface Connected extends RunningServer {
  readonly client: Client;
}

const CONNECT_TIMEOUT_MS = 20_000;
/** After a failed start the next try waits this long: a broken server must not become a start loop. */
const PAUSE_MS = 2_000;
const MAX_TOOLS = 500;

export function createServerConnection({
  server,
  agent,
  openStdio,
  screen,
  logger,
}: ServerConnectionOptions): ServerConnection {
  let connecting: Promise<Connected> | undefined;
  let failure: { readonly at: number; readonly problem: Problem } | undefined;

  const connect = async (onGone: () => void): Promise<Connected> => {
    const { stream, imageDigest } = await openStdio(server, agent);
    const client = new Client({ name: "sandbox-claws-broker", version: "1" });
    Object.assign(client, {
      onerror: (error: Error) =>
        logger.warn({ server, agent, reason: error.message }, "server spoke out of turn"),
      onclose: () => {
        onGone();
        logger.info({ server, agent }, "server went away");
      },
    });
    try {
      await client.connect(new StdioTransport(stream), { timeout: CONNECT_TIMEOUT_MS });
      const tools = await readTools(client, server, screen, logger);
      logger.info({ server, agent, imageDigest, tools: tools.size }, "server connected");
      return { client, imageDigest, tools };
    } catch (error) {
      // Else its container would live on with nobody to speak to it.
      stream.destroy();
      throw error;
    }
  };

  const connected = (): Promise<Connected> => {
    if (connecting !== undefined) return connecting;
    if (failure !== undefined && Date.now() - failure.at < PAUSE_MS) {
      return Promise.reject(new ProblemError({ ...failure.problem, retryAfterMs: PAUSE_MS }));
    }
    // The end of an earlier connection must not make a later one be forgotten.
    const forget = () => {
      if (connecting === attempt) connecting = undefined;
    };
    const attempt: Promise<Connected> = connect(forget).catch((error: unknown) => {
      forget();
      // Its words may be the server's own: they go to the log, not to the agent.
      logger.warn({ server, agent, reason: (error as Error).message }, "server did not start");
      const refusal =
        error instanceof ProblemError
          ? error
          : unavailable(server, "it did not start as an MCP server: see the broker's log");
      failure = { at: Date.now(), problem: refusal.problem };
      throw refusal;
    });
    connecting = attempt;
    return attempt;
  };

  return {
    describe: connected,
    async call({ tool, arguments: values, deadlineMs, imageDigest, toolDefinitionHash }) {
      let running: Connected;
      try {
        running = await connected();
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        return { kind: "unsent", problem: error.problem };
      }
      const definition = running.tools.get(tool);
      if (
        definition === undefined ||
        running.imageDigest !== imageDigest ||
        definition.hash !== toolDefinitionHash
      ) {
        const { problem } = unavailable(
          server,
          `${tool} has changed since the call was judged: send it again`,
        );
        return { kind: "unsent", problem };
      }
      try {
        const params = { name: tool.slice(server.length + 2), arguments: values };
        // Not `callTool`: it checks results itself and reports what the server wrote as an error of its own.
        const answer = await running.client.request(
          { method: "tools/call", params },
          { timeout: deadlineMs },
        );
        return readAnswer(answer, definition);
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
  screen: ScreenDefinition,
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
    const rule = await screen(tool);
    if (rule !== undefined) {
      logger.warn(
        { server, tool: tool.name, rule },
        "tool left out: its definition would be blocked as a result",
      );
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

function readAnswer(answer: unknown, definition: ToolDefinition): UpstreamOutcome {
  const { content, structuredContent, isError } = answer as Partial<CallToolResult>;
  const failed = isError === true;
  if (
    !Array.isArray(content) ||
    !(failed || definition.acceptsResult(structuredContent as JsonValue | undefined))
  ) {
    const detail = `${definition.name}: the result is not what the tool's output schema promises`;
    return { kind: "failed", problem: createProblem("result_invalid", { service: "broker", detail }) };
  }
  const structured =
    structuredContent === undefined
      ? {}
      : { structuredContent: structuredContent as Record<string, JsonValue> };
  return { kind: "answered", result: { content: content as JsonValue[], ...structured, failed } };
}

/**
 * Only the SDK's own errors say how a call ended. A JSON-RPC error is the server's answer: its text is the
 * server's, so it is a failed result that is scanned and charged like any other.
 */
function outcomeOf(error: unknown, server: ServerName, tool: ToolName, deadlineMs: number): UpstreamOutcome {
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
          problem: problem(
            "outcome_unknown",
            `${tool}: ${server} went away during the call, or broke the protocol`,
          ),
        };
    }
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    kind: "answered",
    result: { content: [{ type: "text", text: `${server}: ${message}` }], failed: true },
  };
}
