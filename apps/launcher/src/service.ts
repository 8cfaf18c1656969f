import { createServer } from "node:https";
import {
  createHttpApp,
  mutualTlsOptions,
  readIdentity,
  readPolicyFile,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { createContainerPlanner } from "./container-planner.ts";
import type { Engine } from "./engine.ts";
import { createServerCatalogue } from "./server-catalogue.ts";
import { createServerRuns } from "./server-runs.ts";
import { createServersRoute } from "./servers-route.ts";
import type { Settings } from "./settings.ts";
import { createStdioUpgrade } from "./stdio-upgrade.ts";

/** What the launcher finds around it: the engine, and its own container's name there. */
export interface Surroundings {
  readonly engine: Engine;
  readonly ownContainer: string;
}

export async function createLauncherService(
  settings: Settings,
  { logger }: ServiceTools,
  { engine, ownContainer }: Surroundings,
): Promise<Service> {
  const { servers } = readPolicyFile(settings.POLICY_FILE);
  const catalogue = createServerCatalogue({ servers, engine, now: () => performance.now() });
  const planner = createContainerPlanner({
    engine,
    project: settings.PROJECT,
    user: settings.SERVER_USER,
    ownContainer,
    workspaceMount: settings.WORKSPACE_MOUNT,
  });
  const runs = createServerRuns({
    engine,
    logger,
    project: settings.PROJECT,
    maxServers: settings.MAX_SERVERS,
  });
  await runs.sweep().catch((error: unknown) => {
    logger.warn(
      { err: error },
      "leftover MCP servers are not removed yet: before the first start they will be",
    );
  });

  const app = createHttpApp({
    service: "launcher",
    logger,
    routes: createServersRoute({ catalogue, logger }),
  });
  const server = createServer(mutualTlsOptions(readIdentity(settings.IDENTITY_DIR)), app);
  server.on("upgrade", createStdioUpgrade({ catalogue, planner, runs, logger }));
  return {
    listeners: [{ server, host: settings.LISTEN_HOST, port: settings.LISTEN_PORT }],
    readiness: { engine: () => engine.isReachable() },
    drain: () => void runs.close(),
    close: () => runs.close(),
  };
}
