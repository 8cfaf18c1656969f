import type { EgressReason } from "@claws/contracts";
import type { Metrics } from "@claws/service-kit";
import { Counter, Gauge } from "prom-client";

type DoorName = "agents" | "services";
type Outcome = "allow" | "deny" | "failed" | "done";

/** What is counted. Labels come from closed sets: a host name here would let an agent fill the memory. */
export interface EgressMetrics {
  decided(door: DoorName, outcome: Outcome, reason: EgressReason | "allowed"): void;
  closed(door: DoorName, reason: EgressReason | "allowed", bytesUp: number, bytesDown: number): void;
  opened(door: DoorName): void;
  ended(door: DoorName): void;
}

export function createEgressMetrics(registry: Metrics): EgressMetrics {
  const registers = [registry];
  const decisions = new Counter({
    name: "egress_decisions_total",
    help: "Requests judged, by listener, decision and reason",
    labelNames: ["door", "decision", "reason"] as const,
    registers,
  });
  const closes = new Counter({
    name: "egress_closes_total",
    help: "Connections that ended, by listener and reason",
    labelNames: ["door", "reason"] as const,
    registers,
  });
  const bytes = new Counter({
    name: "egress_bytes_total",
    help: "Bytes relayed, by listener and direction",
    labelNames: ["door", "direction"] as const,
    registers,
  });
  const open = new Gauge({
    name: "egress_connections_open",
    help: "Connections outward that are open, by listener",
    labelNames: ["door"] as const,
    registers,
  });
  return {
    decided: (door, decision, reason) => decisions.inc({ door, decision, reason }),
    closed(door, reason, bytesUp, bytesDown) {
      closes.inc({ door, reason });
      bytes.inc({ door, direction: "up" }, bytesUp);
      bytes.inc({ door, direction: "down" }, bytesDown);
    },
    opened: (door) => open.inc({ door }),
    ended: (door) => open.dec({ door }),
  };
}
