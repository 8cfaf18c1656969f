import type { IncomingMessage } from "node:http";
import { AgentId, STDIO_UPGRADE } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";

export const AGENT_HEADER = "x-claws-agent";

/** Who asks for which server; the name is looked up in the policy, never used as it came. */
export interface StdioRequest {
  readonly server: string;
  readonly agent: AgentId;
}

const PATH = /^\/v1\/servers\/([a-z][a-z0-9-]{0,31})\/stdio$/;

/** Reads a request for a stdio stream, or throws what is wrong with it. */
export function readStdioRequest({
  method,
  url,
  headers,
}: Pick<IncomingMessage, "method" | "url" | "headers">): StdioRequest {
  const server = PATH.exec(url ?? "")?.[1];
  if (method !== "POST" || server === undefined) {
    throw refuse("not_found", `${method} ${url} is not an address of a stdio stream`);
  }
  if (headers.upgrade !== STDIO_UPGRADE)
    throw refuse("request_invalid", `ask with 'Upgrade: ${STDIO_UPGRADE}'`);
  const length = headers["content-length"] ?? "0";
  if (length !== "0" || headers["transfer-encoding"] !== undefined) {
    throw refuse("request_invalid", "send no body: the stream begins after the answer");
  }
  const agent = AgentId.safeParse(headers[AGENT_HEADER]);
  if (!agent.success) throw refuse("request_invalid", `name the agent in '${AGENT_HEADER}'`);
  return { server, agent: agent.data };
}

function refuse(code: "not_found" | "request_invalid", detail: string): ProblemError {
  return ProblemError.of(code, { service: "launcher", detail });
}
