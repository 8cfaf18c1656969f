import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createProblem } from "@claws/contracts";
import { ProblemError, sendProblem, type Service, type ServiceTools } from "@claws/service-kit";
import { answerCall } from "./answer-call.ts";
import { decideRequest } from "./decide-request.ts";
import { createEngine } from "./engine.ts";
import type { Settings } from "./settings.ts";

const SERVICE = "docker-api-filter";

/** Composition root. `node:http` alone: the raw request line is what is decided on, before any router. */
export async function createDockerApiFilter(
  settings: Settings,
  { logger }: Pick<ServiceTools, "logger">,
): Promise<Service> {
  const engine = createEngine({
    socketPath: settings.DOCKER_SOCKET,
    timeoutMs: settings.ENGINE_TIMEOUT_MS,
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: target = "", httpVersion, headers } = request;
    const verdict = decideRequest({ method, target, httpVersion, headers });
    try {
      if (verdict.outcome === "deny") {
        response.setHeader("connection", "close");
        throw ProblemError.of(verdict.code, { service: SERVICE, detail: verdict.detail });
      }
      await answerCall(verdict.call, response, { engine, project: settings.PROJECT });
    } catch (error) {
      const asked = { method, target: target.slice(0, 256) };
      if (response.headersSent) {
        // A viewer that leaves a stream is the ordinary end of it.
        logger.debug({ ...asked, reason: (error as Error).message }, "stream ended early");
        response.destroy();
        return;
      }
      if (!(error instanceof ProblemError)) logger.error({ ...asked, err: error }, "unexpected error");
      const problem =
        error instanceof ProblemError
          ? error.problem
          : createProblem("internal", { service: SERVICE, detail: `see the log of ${SERVICE}` });
      logger.warn({ ...asked, code: problem.code, reason: problem.detail }, "refused");
      sendProblem(response, problem);
    }
  }

  const server = createServer({ headersTimeout: 10_000, requestTimeout: 15_000 }, (request, response) => {
    void answer(request, response);
  });
  server.maxConnections = settings.MAX_CONNECTIONS;
  server.on("drop", () => logger.warn({ limit: settings.MAX_CONNECTIONS }, "connection limit reached"));

  return {
    listeners: [{ server, host: settings.LISTEN_HOST, port: settings.LISTEN_PORT }],
    readiness: {
      engine: async () => {
        (await engine.open("HEAD", "/_ping")).destroy();
        return true;
      },
    },
    close: async () => engine.close(),
  };
}
