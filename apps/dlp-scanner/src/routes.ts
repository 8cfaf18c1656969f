import { type CompiledPolicy, type JsonValue, ScanRequest } from "@claws/contracts";
import { type DetectorSet, scanContent } from "@claws/detect";
import { allowPeers, type Logger, readBody } from "@claws/service-kit";
import express, { type Express } from "express";
import { decideVerdict } from "./decide-verdict.ts";
import type { ScanMetrics } from "./scan-metrics.ts";

const SERVICE = "dlp-scanner";
/** Log lines name so many places at most; hostile content could have millions. */
const MOST_LOGGED = 20;

export interface RouteDependencies {
  readonly policy: CompiledPolicy;
  readonly detectors: DetectorSet;
  readonly metrics: ScanMetrics;
  readonly logger: Logger;
}

export function addRoutes(app: Express, { policy, detectors, metrics, logger }: RouteDependencies): void {
  app.use(allowPeers(SERVICE, ["broker", "model-gateway", "egress-filter"]));
  app.use(express.json({ limit: "8mb", inflate: false }));

  app.post("/v1/scans", (request, response) => {
    const body: unknown = request.body;
    const { direction } = readBody(ScanRequest, body, SERVICE);
    // Not the schema's copy: it leaves out members named `__proto__`, and they would pass unseen.
    const { content } = body as { content: JsonValue };
    const verdict = decideVerdict(content, scanContent(content, detectors), policy.dlp[direction]);
    metrics.count(direction, verdict);
    if (verdict.findings.length > 0) {
      const places = verdict.findings.slice(0, MOST_LOGGED).map(({ rule, path }) => ({ rule, path }));
      logger.info({ direction, action: verdict.action, places }, "findings");
    }
    response.json(verdict);
  });
}
