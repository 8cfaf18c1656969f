import { createServer } from "node:https";
import { join } from "node:path";
import { createRedis, isRedisReady } from "@claws/redis-kit";
import {
  createHttpApp,
  createServiceClient,
  mutualTlsOptions,
  readIdentity,
  readPolicyFile,
  readSecretFile,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { createApprovalDesk } from "./approval-desk.ts";
import { createApprovalStore } from "./approval-store.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { addBrokerRoutes } from "./broker-routes.ts";
import { createChangeFeed } from "./change-feed.ts";
import { addOperatorRoutes } from "./operator-routes.ts";
import { createReceiptSigner } from "./receipt-signer.ts";
import { SERVICE } from "./refusals.ts";
import type { Settings } from "./settings.ts";
import { createVoteSeals } from "./vote-seals.ts";

export async function createApprovalGatewayService(
  settings: Settings,
  { logger }: ServiceTools,
): Promise<Service> {
  const { IDENTITY_DIR, SINGLE_OPERATOR: isSingleOperator } = settings;
  const policy = readPolicyFile(settings.POLICY_FILE);
  const identity = readIdentity(IDENTITY_DIR);
  const receiptKey = readSecretFile(join(IDENTITY_DIR, "receipt.key"));
  const signReceipt = await createReceiptSigner(receiptKey);
  const redis = createRedis({
    host: settings.REDIS_HOST,
    port: settings.REDIS_PORT,
    username: settings.REDIS_USERNAME,
    password: readSecretFile(join(IDENTITY_DIR, "redis.password")),
    logger,
  });
  const auditor = createServiceClient({
    target: "auditor",
    host: settings.AUDITOR_HOST,
    port: settings.AUDITOR_PORT,
    identity,
  });
  const store = createApprovalStore(redis);
  const feed = createChangeFeed(store.readChanges, logger);
  const desk = createApprovalDesk({
    store,
    audit: createAuditTrail(auditor, logger),
    seals: createVoteSeals(receiptKey),
    signReceipt,
    lifetimeMs: policy.approvals.expireAfterSeconds * 1_000,
    isSingleOperator,
    changed: feed.nudge,
  });
  if (isSingleOperator) logger.warn("single-operator mode: one person decides on CRITICAL calls too");

  const forBroker = createHttpApp({
    service: SERVICE,
    logger,
    routes: (app) => addBrokerRoutes(app, { desk, feed }),
  });
  const forOperators = createHttpApp({
    service: SERVICE,
    logger,
    routes: (app) =>
      addOperatorRoutes(app, {
        desk,
        feed,
        readChanges: store.readChanges,
        consoleDirectory: settings.CONSOLE_DIR,
        isSingleOperator,
      }),
  });
  const tls = mutualTlsOptions(identity);
  return {
    listeners: [
      {
        server: createServer(tls, forBroker),
        host: settings.LISTEN_HOST,
        port: settings.LISTEN_PORT,
      },
      {
        server: createServer(tls, forOperators),
        host: settings.OPERATOR_LISTEN_HOST,
        port: settings.OPERATOR_LISTEN_PORT,
      },
    ],
    readiness: { redis: () => isRedisReady(redis), auditor: () => auditor.isReachable() },
    drain: feed.close,
    async close() {
      redis.disconnect();
      await auditor.close();
    },
  };
}
