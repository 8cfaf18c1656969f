import type { MicroUsd } from "@claws/contracts";
import type { Metrics } from "@claws/service-kit";
import { Counter } from "prom-client";
import type { Dialect } from "./dialects/dialect.ts";
import type { CallEnding } from "./steps/settle-call.ts";

export interface CallMetrics {
  count(dialect: Dialect, ending: CallEnding, spent: MicroUsd): void;
}

export function createCallMetrics(metrics: Metrics): CallMetrics {
  const calls = new Counter({
    name: "claws_model_calls_total",
    help: "Calls to models by dialect and by how they ended",
    labelNames: ["dialect", "ending"] as const,
    registers: [metrics],
  });
  const spend = new Counter({
    name: "claws_model_spend_micro_usd_total",
    help: "What calls to models cost, in micro-USD",
    labelNames: ["dialect"] as const,
    registers: [metrics],
  });
  return {
    count(dialect, ending, spent) {
      calls.inc({ dialect: dialect.name, ending: ending.kind });
      spend.inc({ dialect: dialect.name }, spent);
    },
  };
}
