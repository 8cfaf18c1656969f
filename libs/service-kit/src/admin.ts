import { createServer } from "node:http";
import { createHttpApp } from "./http-app.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { readReadiness, type ReadinessCheck } from "./readiness.ts";

export interface AdminOptions {
  readonly service: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: Readonly<Record<string, ReadinessCheck>>;
}

/**
 * `/healthz` (the process answers), `/readyz` (it can say yes to somebody) and `/metrics`, on loopback:
 * for the container's own health check and for whoever may exec into it.
 */
export function createAdminServer({ service, logger, metrics, readiness }: AdminOptions) {
  return createServer(
    createHttpApp({
      service,
      logger,
      routes(app) {
        app.get("/healthz", (_request, response) => void response.json({ status: "ok" }));
        app.get("/readyz", async (_request, response) => {
          const report = await readReadiness(readiness);
          response.status(report.ready ? 200 : 503).json(report);
        });
        app.get("/metrics", async (_request, response) => {
          response.type(metrics.contentType).send(await metrics.metrics());
        });
      },
    }),
  );
}
