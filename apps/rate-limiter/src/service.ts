import { createServer } from "node:https";
import { join } from "node:path";
import { createRedis, isRedisReady } from "@claws/redis-kit";
import {
  createHttpApp,
  mutualTlsOptions,
  readIdentity,
  readSecretFile,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { createEgressLedger } from "./egress-ledger.ts";
import { addEgressRoutes } from "./egress-routes.ts";
import { createLivePolicy } from "./live-policy.ts";
import { createReservationStore } from "./reservation-store.ts";
import { addRoutes } from "./routes.ts";
import type { Settings } from "./settings.ts";

export function createRateLimiterService(settings: Settings, { logger }: ServiceTools): Service {
  const policy = createLivePolicy({ policyFile: settings.POLICY_FILE, logger });
  const identity = readIdentity(settings.IDENTITY_DIR);
  const redis = createRedis({
    host: settings.REDIS_HOST,
    port: settings.REDIS_PORT,
    username: settings.REDIS_USERNAME,
    password: readSecretFile(join(settings.IDENTITY_DIR, "redis.password")),
    logger,
  });
  const store = createReservationStore(redis);
  const ledger = createEgressLedger(redis);
  const app = createHttpApp({
    service: "rate-limiter",
    logger,
    routes(app) {
      addEgressRoutes(app, { policy, ledger, logger });
      addRoutes(app, { policy, store, logger });
    },
  });
  return {
    listeners: [
      {
        server: createServer(mutualTlsOptions(identity), app),
        host: settings.LISTEN_HOST,
        port: settings.LISTEN_PORT,
      },
    ],
    readiness: { redis: () => isRedisReady(redis) },
    async close() {
      policy.close();
      redis.disconnect();
    },
  };
}
