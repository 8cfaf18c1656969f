import type { Logger, Metrics } from "@claws/service-kit";
import { Counter } from "prom-client";
import type { DnsDecision } from "./decide-query.ts";
import type { DropCause } from "./dns-server.ts";
import { createTokenBuckets } from "./token-buckets.ts";

/** Counts everything and writes what a person can read. */
export interface DnsJournal {
  /** Whether a line was written: what is worth a line is worth a record, and no more than that. */
  decided(decision: DnsDecision): boolean;
  dropped(cause: DropCause): void;
}

/** The same question three times a minute: a client that retries shows, a loop does not fill the disk. */
const PER_QUESTION = { perSecond: 3 / 60, burst: 3, maxKeys: 1_024 };
const OVERALL = { perSecond: 20, burst: 40, maxKeys: 1 };

export function createDnsJournal(logger: Logger, metrics: Metrics): DnsJournal {
  // Labels come from closed sets: a name or a type here would let an agent fill the memory.
  const decisions = new Counter({
    name: "egress_dns_decisions_total",
    help: "DNS queries judged, by outcome, reason and indicator",
    labelNames: ["outcome", "reason", "indicator"] as const,
    registers: [metrics],
  });
  const drops = new Counter({
    name: "egress_dns_dropped_total",
    help: "DNS packets and connections that got no answer, by cause",
    labelNames: ["cause"] as const,
    registers: [metrics],
  });
  const unwritten = new Counter({
    name: "egress_dns_lines_suppressed_total",
    help: "DNS decisions without a log line, since there were too many",
    registers: [metrics],
  });
  // Of its own, so that a thousand dull names cannot crowd out the one that matters.
  const budgets = { plain: createLineBudget(), suspicious: createLineBudget() };

  return {
    decided(decision) {
      const { name, type, outcome, reason, indicator = "none" } = decision;
      decisions.inc({ outcome, reason, indicator });
      const mayWrite = outcome === "refused" ? budgets.suspicious : budgets.plain;
      if (!mayWrite(`${name} ${type}`)) {
        unwritten.inc();
        return false;
      }
      logger.info({ name, type, outcome, reason, indicator }, "dns decided");
      return true;
    },
    dropped: (cause) => drops.inc({ cause }),
  };
}

function createLineBudget(): (question: string) => boolean {
  const takeOfQuestion = createTokenBuckets(PER_QUESTION);
  const takeOfAll = createTokenBuckets(OVERALL);
  return (question) => takeOfQuestion(question) && takeOfAll("");
}
