import type { ScanDirection, ScanVerdict } from "@claws/contracts";
import type { Metrics } from "@claws/service-kit";
import { Counter } from "prom-client";

export interface ScanMetrics {
  count(direction: ScanDirection, verdict: ScanVerdict): void;
}

export function createScanMetrics(metrics: Metrics): ScanMetrics {
  const scans = new Counter({
    name: "claws_dlp_scans_total",
    help: "Scans by direction and by the action of their verdict",
    labelNames: ["direction", "action"] as const,
    registers: [metrics],
  });
  const findings = new Counter({
    name: "claws_dlp_findings_total",
    help: "Findings in verdicts by category",
    labelNames: ["category"] as const,
    registers: [metrics],
  });
  return {
    count(direction, verdict) {
      scans.inc({ direction, action: verdict.action });
      for (const { category } of verdict.findings) findings.inc({ category });
    },
  };
}
