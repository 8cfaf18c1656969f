import { createServer } from "node:https";
import { createDefaultDetectors, createKnownSecretDetector } from "@claws/detect";
import {
  createHttpApp,
  mutualTlsOptions,
  readIdentity,
  readPolicyFile,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { readKnownSecrets } from "./read-known-secrets.ts";
import { addRoutes } from "./routes.ts";
import { createScanMetrics } from "./scan-metrics.ts";
import type { Settings } from "./settings.ts";

export function createDlpScannerService(settings: Settings, { logger, metrics }: ServiceTools): Service {
  const policy = readPolicyFile(settings.POLICY_FILE);
  const identity = readIdentity(settings.IDENTITY_DIR);
  const knownSecrets = readKnownSecrets(settings.SECRETS_DIR);
  logger.info({ knownSecrets: knownSecrets.length }, "detectors ready");
  const detectors = [createKnownSecretDetector(knownSecrets), ...createDefaultDetectors()];
  const scanMetrics = createScanMetrics(metrics);
  const app = createHttpApp({
    service: "dlp-scanner",
    logger,
    routes: (app) => addRoutes(app, { policy, detectors, metrics: scanMetrics, logger }),
  });
  return {
    listeners: [
      {
        server: createServer(mutualTlsOptions(identity), app),
        host: settings.LISTEN_HOST,
        port: settings.LISTEN_PORT,
      },
    ],
    // It asks nobody: once it listens, it can answer.
    readiness: {},
  };
}
