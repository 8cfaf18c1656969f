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
import { readEgressKey } from "./read-egress-key.ts";
import { createServerCatalogue } from "./server-catalogue.ts";
import { createServerRuns } from "./server-runs.ts";
import { createServerDoors } from "./server-door.ts";
import { createServersRoute } from "./servers-route.ts";
import type { Settings } from "./settings.ts";
import { createStdioUpgrade } from "./stdio-upgrade.ts";
import type { Inspector } from "./verification/inspector.ts";
import { createVerificationRoute } from "./verification/verification-route.ts";
import { createVerifyStack } from "./verification/verify-stack.ts";
import { createToolNetworks } from "./tool-networks.ts";

/** How soon a server that runs has its way out again after egress-filter was made anew. */
const REFRESH_MS = 3_000;

/** What the launcher finds around it: the engine, and its own container's name there. */
export interface Surroundings {
  readonly engine: Engine;
  readonly inspector: Inspector;
  readonly ownContainer: string;
}

export async function createLauncherService(
  settings: Settings,
  { logger }: ServiceTools,
  { engine, inspector, ownContainer }: Surroundings,
): Promise<Service> {
  const policy = readPolicyFile(settings.POLICY_FILE);
  const { servers } = policy;
  const catalogue = createServerCatalogue({ servers, engine, now: () => performance.now() });
  const networks = createToolNetworks({
    engine,
    logger,
    project: settings.PROJECT,
    pool: settings.TOOL_POOL,
  });
  const planner = createContainerPlanner({
    engine,
    doors: createServerDoors({ networks, key: readEgressKey(settings.IDENTITY_DIR), now: Date.now }),
    project: settings.PROJECT,
    user: settings.SERVER_USER,
    ownContainer,
    workspaceMount: settings.WORKSPACE_MOUNT,
  });
  const runs = createServerRuns({
    engine,
    networks,
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

  const refreshing = setInterval(() => void networks.refresh(), REFRESH_MS);
  refreshing.unref();

  const verify = createVerifyStack({
    engine,
    inspector,
    policy,
    logger,
    project: settings.PROJECT,
    proberImage: settings.PROBER_IMAGE,
  });
  const app = createHttpApp({
    service: "launcher",
    logger,
    routes: (routes) => {
      createServersRoute({ catalogue, logger })(routes);
      createVerificationRoute(verify)(routes);
    },
  });
  const server = createServer(mutualTlsOptions(readIdentity(settings.IDENTITY_DIR)), app);
  server.on("upgrade", createStdioUpgrade({ catalogue, planner, runs, logger }));
  return {
    listeners: [{ server, host: settings.LISTEN_HOST, port: settings.LISTEN_PORT }],
    readiness: { engine: () => engine.isReachable() },
    drain: () => void runs.close(),
    close: () => {
      clearInterval(refreshing);
      return runs.close();
    },
  };
}
