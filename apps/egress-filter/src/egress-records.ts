import type { AuditEvent, EgressReason } from "@claws/contracts";
import type { AuditSpool } from "@claws/audit-log";
import type { Logger } from "@claws/service-kit";
import { type Caller, nameOf } from "./caller.ts";
import type { EgressMetrics } from "./egress-metrics.ts";
import type { Subject } from "./judgement.ts";
import type { ContentFinding } from "./inspect/content-judge.ts";
import { codeOf } from "./refusal.ts";

/** A decision, as it is written down before anything happens because of it. */
export interface Decided {
  /** Ties the decision to the close of the same connection. */
  readonly connection: string;
  readonly door: "agents" | "services";
  readonly outcome: "allow" | "deny" | "failed" | "done";
  readonly reason: EgressReason | "allowed";
  readonly subject: Subject;
  readonly caller?: Caller | undefined;
  readonly rule?: string | undefined;
  /** What the name led to; empty for a name that was never resolved. */
  readonly addresses: readonly string[];
}

/** The end of a connection that was allowed. */
export interface Closed extends Decided {
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly durationMs: number;
}

/** One structured record and one log line per decision and per close, always with the same fields. */
export interface EgressRecords {
  /** False when the record is not on disk: what it allows must not happen then. */
  decided(what: Decided): boolean;
  /** An allowed connection is still open a while after it was decided. */
  lasts(what: Decided): void;
  closed(what: Closed): void;
  /** Something that detection found in a request or answer that was looked into. */
  found(what: Decided, finding: ContentFinding): void;
}

export interface EgressRecordsParts {
  /** Records go there first, and to the auditor from there. */
  readonly spool: Pick<AuditSpool, "append" | "appendLater">;
  readonly lines: Logger;
  readonly metrics: EgressMetrics;
}

export function createEgressRecords({ spool, lines: parent, metrics }: EgressRecordsParts): EgressRecords {
  // Every field of these lines is named here, so the net for stray credentials has nothing to catch; it costs more than
  // the rest of a request.
  const lines = parent.child({}, { redact: [] });
  return {
    decided(what) {
      const isRecorded = spool.append(eventOf("egress.decided", what));
      metrics.decided(what.door, what.outcome, what.reason);
      // What is allowed shows in the log when it ends, and before that if it lasts.
      const level = what.outcome === "allow" ? "debug" : "info";
      lines[level]({ ...lineOf(what), recorded: isRecorded }, "egress decided");
      return isRecorded;
    },
    lasts(what) {
      lines.info(lineOf(what), "egress open");
    },
    closed(what) {
      const { bytesUp, bytesDown, durationMs } = what;
      const event = eventOf("egress.closed", what);
      const sizes = { bytesUp, bytesDown, durationMs };
      spool.appendLater({ ...event, detail: { ...event.detail, ...sizes } });
      metrics.closed(what.door, what.reason, bytesUp, bytesDown);
      lines.info({ ...lineOf(what), ...sizes }, "egress closed");
    },
    found(what, { decodedBy, ...finding }) {
      const { rule: found, ...rest } = finding;
      const facts = { ...rest, found, decodedBy: [...decodedBy] };
      const event = eventOf("egress.found", what);
      spool.append({ ...event, detail: { ...event.detail, ...facts } });
      lines.warn({ ...lineOf(what), ...facts }, "egress finding");
    },
  };
}

const MAX_TEXT = 500;

function eventOf(event: "egress.decided" | "egress.closed" | "egress.found", what: Decided): AuditEvent {
  const { subject, reason, rule, caller, addresses } = what;

  return {
    event,
    outcome: what.outcome,
    subject: subject.port === null ? subject.host || "(none)" : `${subject.host}:${subject.port}`,
    ...(caller?.kind === "agent" ? { agent: caller.agent } : {}),
    ...(caller !== undefined && caller.kind !== "service" ? { session: caller.session } : {}),
    ...(reason === "allowed" ? {} : { code: codeOf(reason) }),
    ...(rule === undefined ? {} : { rule: rule.slice(0, MAX_TEXT) }),
    detail: {
      connection: what.connection,
      method: subject.method,
      reason,
      door: what.door,
      caller: caller === undefined ? "unknown" : nameOf(caller),
      ...(addresses.length === 0 ? {} : { address: addresses.join(" ") }),
    },
  };
}

function lineOf({ connection, door, outcome, reason, subject, caller, rule, addresses }: Decided) {
  return {
    decision: outcome,
    ...subject,
    reason,
    caller: caller === undefined ? null : nameOf(caller),
    rule: rule ?? null,
    address: addresses.length === 0 ? null : addresses.join(" "),
    door,
    connection,
  };
}
