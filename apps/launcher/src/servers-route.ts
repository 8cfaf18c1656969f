import { allowPeers, type Logger, ProblemError } from "@claws/service-kit";
import type { Express } from "express";
import { EngineError } from "./engine.ts";
import { problemOf } from "./problem-of.ts";
import type { ServerCatalogue } from "./server-catalogue.ts";

export interface ServersRouteOptions {
  readonly catalogue: Pick<ServerCatalogue, "list">;
  readonly logger: Logger;
}

/** `GET /v1/servers`; whoever asks for a stdio stream without an upgrade is told how. */
export function createServersRoute({ catalogue, logger }: ServersRouteOptions) {
  return (app: Express): void => {
    app.use(allowPeers("launcher", ["broker"]));
    app.get("/v1/servers", async (_request, response) => {
      try {
        response.json(await catalogue.list());
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        logger.error({ err: error }, "the servers' images cannot be looked at");
        throw new ProblemError(problemOf(error), { cause: error });
      }
    });
    app.post("/v1/servers/:name/stdio", () => {
      const detail = "ask with 'Connection: Upgrade' and 'Upgrade: claws-stdio'";
      throw ProblemError.of("request_invalid", { service: "launcher", detail });
    });
  };
}
