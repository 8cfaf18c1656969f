import type { Logger, Metrics } from "@claws/service-kit";
import { Counter, Gauge } from "prom-client";
import type { Door, Refusal, Subject } from "./judgement.ts";

/** How a connection outward ended. */
export interface Closing {
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly durationMs: number;
}

/** The last word on a request, after the audit and the dialling. */
export interface Opened {
  readonly ok: true;
  readonly subject: Subject;
  readonly reason: string;
  readonly rule?: string | undefined;
  readonly address: string;
}

/** One line per decision and one per close, with the same fields every time, and the counters beside them. */
export interface DecisionJournal {
  /** `isRecorded`: a refusal stands without its audit record, and then this line is all there is of it. */
  decided(outcome: Opened | Refusal, door: Door, isRecorded: boolean): void;
  closed(subject: Subject, door: Door, closing: Closing): void;
}

export function createDecisionJournal(logger: Logger, metrics: Metrics): DecisionJournal {
  // Labels come from closed sets: a host name here would let an agent fill the memory.
  const decisions = new Counter({
    name: "egress_decisions_total",
    help: "Requests judged, by listener, decision and problem code",
    labelNames: ["door", "decision", "code"] as const,
    registers: [metrics],
  });
  const bytes = new Counter({
    name: "egress_bytes_total",
    help: "Bytes relayed, by listener and direction",
    labelNames: ["door", "direction"] as const,
    registers: [metrics],
  });
  const open = new Gauge({
    name: "egress_connections_open",
    help: "Connections outward that are open, by listener",
    labelNames: ["door"] as const,
    registers: [metrics],
  });

  return {
    decided(outcome, door, isRecorded) {
      const decision = outcome.ok ? "allow" : outcome.outcome;
      const code = outcome.ok ? "none" : outcome.code;
      decisions.inc({ door: door.name, decision, code });
      if (outcome.ok) open.inc({ door: door.name });
      const { subject, reason, rule = null, address = null } = outcome;
      logger.info(
        { decision, ...subject, reason, rule, address, door: door.name, code, recorded: isRecorded },
        "egress decided",
      );
    },
    closed(subject, door, closing) {
      open.dec({ door: door.name });
      bytes.inc({ door: door.name, direction: "up" }, closing.bytesUp);
      bytes.inc({ door: door.name, direction: "down" }, closing.bytesDown);
      logger.info({ ...subject, door: door.name, ...closing }, "egress closed");
    },
  };
}
