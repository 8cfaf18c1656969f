import type { AgentIdentity } from "@claws/agent-token";
import { createProblem, JsonObject, type JsonValue, ToolName } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { type AuthInfo, type CallToolResult, createMcpHandler, Server } from "@modelcontextprotocol/server";
import express, { type Express, type Request } from "express";
import { type CallOutcome, refused } from "../call-outcome.ts";
import { identityOf, requireToken } from "./authenticate.ts";
import { readStrictBody, signalOf } from "./read-body.ts";
import { type Face, MAX_BODY_BYTES } from "./rest-face.ts";

const SERVER_INFO = { name: "sandbox-claws-broker", version: "1" };

/** What authentication found out travels to the handlers beside the request, never in it. */
interface Caller {
  readonly identity: AgentIdentity;
  readonly signal: AbortSignal;
}

/**
 * `POST /mcp`: Streamable HTTP of MCP 2025-11-25 (served without sessions) and 2026-07-28, from the
 * official SDK. The body is parsed strictly first; the SDK sees only what the strict parser accepted.
 */
export function addMcpFace(app: Express, { verify, run, listTools }: Face): void {
  const handler = createMcpHandler(({ authInfo }) => {
    const { identity, signal } = callerOf(authInfo);
    const server = new Server(SERVER_INFO, { capabilities: { tools: {} } });
    server.setRequestHandler("tools/list", async () => ({ tools: await listTools(identity.agent) }));
    server.setRequestHandler("tools/call", async ({ params }) => {
      const tool = ToolName.safeParse(params.name);
      if (!tool.success) return readResult(refused(unknownTool()));
      const values = JsonObject.parse(params.arguments ?? {});
      return readResult(await run({ identity, tool: tool.data, arguments: values, signal }));
    });
    return server;
  });
  const serve = toNodeHandler(handler);

  app.all(
    "/mcp",
    requireToken(verify),
    express.raw({ type: () => true, limit: MAX_BODY_BYTES }),
    async (request, response) => {
      const identity = identityOf(request);
      const body = request.method === "POST" ? readStrictBody(request) : undefined;
      if (Array.isArray(body)) {
        throw ProblemError.of("body_malformed", {
          service: "broker",
          detail: "JSON-RPC batches are not accepted: send one message",
        });
      }
      const caller: Caller = { identity, signal: signalOf(request) };
      const authInfo: AuthInfo = { token: "", clientId: identity.agent, scopes: [], extra: { caller } };
      await serve(Object.assign(request, { auth: authInfo }) as Request, response, plain(body));
    },
  );
}

function callerOf(authInfo: AuthInfo | undefined): Caller {
  const caller = authInfo?.extra?.["caller"];
  if (caller === undefined) throw new Error("an MCP request reached its handler without authentication");
  return caller as Caller;
}

/** The SDK's schemas expect objects with a prototype; keys were checked, so nothing can be smuggled by it. */
function plain(value: JsonValue | undefined): unknown {
  return value === undefined ? undefined : structuredClone(value);
}

function unknownTool() {
  return createProblem("tool_unknown", {
    service: "broker",
    detail: "a tool's name is server__tool, as tools/list shows it",
  });
}

/** A refusal and a hold are ordinary results: clients treat protocol errors as a broken server. */
function readResult(outcome: CallOutcome): CallToolResult {
  switch (outcome.kind) {
    case "result": {
      const { failed, ...result } = outcome.result;
      return { ...(result as unknown as CallToolResult), ...(failed ? { isError: true } : {}) };
    }
    case "pending": {
      const { id, expiresAt } = outcome.approval;
      const until = new Date(expiresAt).toISOString();
      return {
        content: [
          {
            type: "text",
            text: `Waiting for a person to approve this call (approval ${id}, until ${until}). Send the same call again to resume; do not change it.`,
          },
        ],
        _meta: { "sandbox-claws/pending": { approval: id, expiresAt: until } },
      };
    }
    case "refused": {
      const { problem } = outcome;
      const hints = [
        problem.rule && `rule ${problem.rule}`,
        problem.key && `profile key ${problem.key}`,
      ].filter(Boolean);
      const hint = hints.length > 0 ? ` [${hints.join(", ")}]` : "";
      return {
        isError: true,
        content: [
          { type: "text", text: `Refused by ${problem.service} (${problem.code}): ${problem.detail}${hint}` },
        ],
        _meta: { "sandbox-claws/problem": problem },
      };
    }
  }
}
