import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createProblem, type Problem } from "@claws/contracts";
import { sendProblem } from "@claws/service-kit";

/** A response on a socket that Node has handed over already (CONNECT, Upgrade); it ends the connection. */
export function createLastResponse(request: IncomingMessage, client: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(client);
  response.on("finish", () => client.end());
  return response;
}

/** Refuses, or cuts the connection where a part of an answer is on its way. */
export function answerProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  response.shouldKeepAlive = false;
  sendProblem(response, problem);
}

export function createUnreachable(error: Error): Problem {
  const { code = error.message } = error as NodeJS.ErrnoException;
  return createProblem("service_unavailable", {
    service: "agent-door",
    detail: `egress-filter does not answer (${code})`,
    retryAfterMs: 1_000,
    nextSteps: ["try again; if it lasts, ask the operator to look at './claws status'"],
  });
}
