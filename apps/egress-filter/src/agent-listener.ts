import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Logger, sendProblem } from "@claws/service-kit";
import { createConnectHandler } from "./connect-handler.ts";
import { createForward } from "./forward.ts";
import { LISTENER_LIMITS } from "./listener-limits.ts";
import { createParseErrorHandler } from "./parse-error-handler.ts";
import type { Admit } from "./pipeline.ts";
import { readForwardRequest, readTunnelRequest } from "./read-request.ts";

export interface AgentListenerParts {
  readonly admit: Admit;
  readonly idleMs: number;
  readonly logger: Logger;
}

/** The agents' proxy: CONNECT for everything encrypted, absolute-form for plain HTTP. */
export function createAgentListener({ admit, idleMs, logger }: AgentListenerParts): Server {
  const forward = createForward(idleMs);

  async function handleRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const admission = await admit(readForwardRequest(request));
    if (admission.ok) return forward(request, response, admission.request, admission.socket);
    response.setHeader("connection", "close");
    sendProblem(response, admission.problem);
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    handleRequest(request, response).catch((error: unknown) => {
      logger.error({ err: error }, "unexpected error");
      response.destroy();
    });
  }

  const server = createServer(LISTENER_LIMITS, handle);
  server.on("connect", createConnectHandler({ read: readTunnelRequest, admit, idleMs, logger }));
  // Without these two Node answers `Expect` itself, before anything was decided.
  server.on("checkContinue", handle);
  server.on("checkExpectation", handle);
  server.on("clientError", createParseErrorHandler(admit, logger));
  return server;
}
