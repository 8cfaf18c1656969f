import { createServer } from "node:https";
import { join } from "node:path";
import { createRedis, isRedisReady } from "@claws/redis-kit";
import {
  createHttpApp,
  mutualTlsOptions,
  readIdentity,
  readPolicyFile,
  readSecretFile,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { createReservationStore } from "./reservation-store.ts";
import { addRoutes } from "./routes.ts";
import type { Settings } from "./settings.ts";

export function createRateLimiterService(settings: Settings, { logger }: ServiceTools): Service {
  const policy = readPolicyFile(settings.POLICY_FILE);
  const identity = readIdentity(settings.IDENTITY_DIR);
  const redis = createRedis({
    host: settings.REDIS_HOST,
    port: settings.REDIS_PORT,
    username: settings.REDIS_USERNAME,
    password: readSecretFile(join(settings.IDENTITY_DIR, "redis.password")),
    logger,
  });
  const store = createReservationStore(redis);
  const app = createHttpApp({
    service: "rate-limiter",
    logger,
    routes: (app) => addRoutes(app, { policy, store, logger }),
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
    close: async () => redis.disconnect(),
  };
}
