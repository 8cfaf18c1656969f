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
import { createAuditedStep } from "./audited-step.ts";
import { addBrokerRoutes } from "./broker-routes.ts";
import { createChangeFeed } from "./change-feed.ts";
import { createAnswerSeals } from "./egress-questions/answer-seals.ts";
import { addFilterRoutes } from "./egress-questions/filter-routes.ts";
import { createOverlayFile } from "./egress-questions/overlay-file.ts";
import { createQuestionDesk } from "./egress-questions/question-desk.ts";
import { createQuestionStore } from "./egress-questions/question-store.ts";
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
  const questionStore = createQuestionStore(redis);
  const feed = createChangeFeed(async (after) => {
    await questionStore.expireDue();
    return store.readChanges(after);
  }, logger);
  const auditThen = createAuditedStep(createAuditTrail(auditor, logger), feed.nudge);
  const desk = createApprovalDesk({
    store,
    auditThen,
    seals: createVoteSeals(receiptKey),
    signReceipt,
    lifetimeMs: policy.approvals.expireAfterSeconds * 1_000,
    isSingleOperator,
  });
  const questions = createQuestionDesk({
    store: questionStore,
    seals: createAnswerSeals(receiptKey),
    overlay: createOverlayFile(settings.OVERLAY_FILE),
    auditThen,
  });
  if (isSingleOperator) logger.warn("single-operator mode: one person decides on CRITICAL calls too");

  const forServices = createHttpApp({
    service: SERVICE,
    logger,
    routes(app) {
      addFilterRoutes(app, { questions, feed });
      addBrokerRoutes(app, { desk, feed });
    },
  });
  const forOperators = createHttpApp({
    service: SERVICE,
    logger,
    routes: (app) =>
      addOperatorRoutes(app, {
        desk,
        questions,
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
        server: createServer(tls, forServices),
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
