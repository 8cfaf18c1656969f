import { createServer } from "node:http";
import { createHttpApp, type Service, type ServiceTools } from "@claws/service-kit";
import { createMockRoutes } from "./mock-routes.ts";
import type { Settings } from "./settings.ts";

/** One app behind every port: who is asked for, the Host header says. */
export async function createMockApiService(settings: Settings, { logger }: ServiceTools): Promise<Service> {
  const app = createHttpApp({ service: "mock-api", logger, routes: createMockRoutes(settings.NAME) });
  return {
    listeners: settings.PORTS.map((port) => ({
      server: createServer(app),
      host: settings.LISTEN_HOST,
      port,
    })),
    readiness: {},
  };
}
