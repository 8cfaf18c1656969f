import { createServer } from "node:http";
import { join } from "node:path";
import { createTokenVerifier } from "@claws/agent-token";
import {
  createHttpApp,
  createServiceClient,
  createVerificationGate,
  readIdentity,
  readPolicyFile,
  readSecretFile,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { createCallMetrics } from "./call-metrics.ts";
import { createPipeline } from "./pipeline.ts";
import { createEgressAgent } from "./providers/egress-tunnel.ts";
import { createHttpsProvider } from "./providers/https-provider.ts";
import { createMockProvider } from "./providers/mock-provider.ts";
import { addRoutes } from "./routes.ts";
import type { Settings } from "./settings.ts";
import { createAuditTrail } from "./steps/audit-trail.ts";
import { createAuthenticator } from "./steps/authenticate.ts";
import { createSpendReserver } from "./steps/reserve-spend.ts";
import { createContentScreen } from "./steps/screen-content.ts";

/** Time to settle after a call that took all of its own. */
const LEASE_MARGIN_MS = 60_000;

/** A request that dribbles in is cut off; the answer may take as long as a person or a model needs. */
const REQUEST_LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

export async function createModelGatewayService(
  settings: Settings,
  { logger, metrics }: ServiceTools,
): Promise<Service> {
  const policy = readPolicyFile(settings.POLICY_FILE);
  const identity = readIdentity(settings.IDENTITY_DIR);
  const tokenKey = readSecretFile(join(settings.IDENTITY_DIR, "agent-token.pub"));
  const verifyToken = await createTokenVerifier(tokenKey, "model-gateway");
  const neighbour = (target: string, host: string, port: number) =>
    createServiceClient({ target, host, port, identity });
  const limiter = neighbour("rate-limiter", settings.RATE_LIMITER_HOST, settings.RATE_LIMITER_PORT);
  const scanner = neighbour("dlp-scanner", settings.DLP_SCANNER_HOST, settings.DLP_SCANNER_PORT);
  const auditor = neighbour("auditor", settings.AUDITOR_HOST, settings.AUDITOR_PORT);
  const broker = neighbour("broker", settings.BROKER_HOST, settings.BROKER_PORT);
  const verification = createVerificationGate({
    client: broker,
    isRequired: () => policy.egress.requireVerification,
  });
  const egress = createEgressAgent({
    host: settings.EGRESS_HOST,
    port: settings.EGRESS_PORT,
    identity,
    upstreamCa: settings.UPSTREAM_CA_FILE && readSecretFile(settings.UPSTREAM_CA_FILE),
  });

  const mock = createMockProvider();
  const https = createHttpsProvider({
    agent: egress,
    secretsDirectory: settings.SECRETS_DIR,
    timeoutMs: settings.PROVIDER_TIMEOUT_MS,
  });
  const callMetrics = createCallMetrics(metrics);
  const authenticate = createAuthenticator(verifyToken, policy.agents);
  const handleCall = createPipeline({
    policy,
    authenticate,
    verification,
    screen: createContentScreen(scanner),
    reserve: createSpendReserver(limiter, settings.PROVIDER_TIMEOUT_MS + LEASE_MARGIN_MS, logger),
    audit: createAuditTrail(auditor, logger),
    providerOf: ({ baseUrl }) => (baseUrl === "mock" ? mock : https),
    onSettled: (dialect, ending, spent) => callMetrics.count(dialect, ending, spent),
    logger,
  });
  const app = createHttpApp({
    service: "model-gateway",
    logger,
    routes: (app) => addRoutes(app, { policy, authenticate, handleCall, limiter }),
  });
  return {
    listeners: [
      { server: createServer(REQUEST_LIMITS, app), host: settings.LISTEN_HOST, port: settings.LISTEN_PORT },
    ],
    readiness: {
      "rate-limiter": () => limiter.isReachable(),
      "dlp-scanner": () => scanner.isReachable(),
      auditor: () => auditor.isReachable(),
    },
    async close() {
      verification.close();
      await egress.destroy();
      await Promise.all([limiter, scanner, auditor, broker].map((client) => client.close()));
    },
  };
}
