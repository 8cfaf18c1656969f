import { randomUUID } from "node:crypto";
import type { EgressReason } from "@claws/contracts";
import type { Logger } from "@claws/service-kit";
import { formatAuthority } from "./authority.ts";
import type { Caller } from "./caller.ts";
import type { ConnectionKind, Connections, Place } from "./connections.ts";
import type { Door } from "./doors.ts";
import type { EgressMetrics } from "./egress-metrics.ts";
import type { EgressRecords } from "./egress-records.ts";
import { decideByRules, locate, type Opening, type Outside } from "./judge.ts";
import type { Judgement, Permit, Subject, Through } from "./judgement.ts";
import type { ConnectionQuota, Quotas } from "./quota/connection-quota.ts";
import type { EgressRequest, RequestReading } from "./read-request.ts";
import type { Refused } from "./refusal.ts";

/** Who asks: known already (a tunnel's inside, a service by its certificate), or to be read from the request. */
export type Identify = (request: EgressRequest) => IdentityVerdict | Promise<IdentityVerdict>;
export type IdentityVerdict =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly detail: string };

/** Whether the doors may be open at all; undefined when they may. */
export type Precondition = () => Refused | undefined;

/** Asks a person about what an `ask` rule names; undefined when the answer was yes. */
export type AskPerson = (
  caller: Caller,
  request: EgressRequest,
  opening: Opening,
) => Promise<Refused | undefined>;

/** What is open: who has it and what was asked for, so that a new policy can be put to it. */
export interface Standing {
  readonly caller: Caller;
  readonly request: EgressRequest;
  readonly through: Through;
  /** Ranges that the rule granted. */
  readonly granted: readonly string[];
}

export interface PipelineParts {
  readonly door: Door;
  readonly precondition: Precondition;
  readonly ask: AskPerson;
  readonly outside: Outside;
  readonly connections: Connections<Standing>;
  readonly quotas: Quotas;
  readonly records: EgressRecords;
  readonly metrics: EgressMetrics;
  readonly logger: Logger;
}

/** A permit with the one call that ends it, whatever happened on the way. */
export interface Admitted extends Permit {
  readonly connection: string;
  /** The rule that asked a person, who said yes: in this tunnel it does not ask again. */
  readonly answered?: string | undefined;
  finish(end: ConnectionEnd): void;
}

export interface ConnectionEnd {
  /** Why it ended, when it was not simply over. */
  readonly reason?: EgressReason | undefined;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Where it went in the end, of the addresses that were judged. */
  readonly address?: string | undefined;
}

export type Admission = Admitted | Extract<Judgement, { ok: false }>;

/** Takes what a listener read, and answers with a permit or with the refusal to send. */
export type Admit = (
  reading: RequestReading,
  identify: Identify,
  kind: ConnectionKind,
  /** The tunnel that the request is in. */
  tunnel?: Pick<Admitted, "answered" | "through">,
) => Promise<Admission>;

/** Ids of connections: unique over restarts and workers, cheap for each one. */
function createIds(): () => string {
  const boot = randomUUID().slice(0, 8);
  let count = 0;
  return () => `${boot}-${(++count).toString(36)}`;
}

const INTERNAL: Refused = {
  reason: "internal",
  detail: "egress-filter met an error of its own: see ./claws logs egress-filter",
};
const MAX_TARGET_LENGTH = 200;
/** A connection that is open for longer shows in the log before it ends. */
const LASTING_MS = 2_000;

/**
 * Every request goes this way, in this order: read → identify → verified? → rules → ask → place → quota →
 * resolve → classify → record. Only then does anybody dial. No record, no action; a refused name is never resolved.
 */
export function createPipeline(parts: PipelineParts): Admit {
  const { door, precondition, ask, outside, connections, quotas, records, metrics, logger } = parts;
  const nextId = createIds();

  /** Undefined for an error of our own, which must not keep a place taken. */
  async function trying<Value>(step: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await step();
    } catch (error) {
      logger.error({ err: error }, "unexpected error");
      return undefined;
    }
  }

  interface Attempt {
    readonly subject: Subject;
    caller?: Caller;
    place?: Place;
    quota?: ConnectionQuota;
  }

  function refuse(attempt: Attempt, refused: Refused, outcome: "deny" | "failed" = "deny"): Admission {
    const { subject, caller } = attempt;
    attempt.quota?.close();
    attempt.place?.release();
    records.decided({
      connection: nextId(),
      door: door.name,
      outcome,
      reason: refused.reason,
      subject,
      caller,
      rule: refused.rule,
      addresses: refused.address === undefined ? [] : [refused.address],
    });
    return { ...refused, ok: false, outcome, subject, caller };
  }

  return async function admit(reading, identify, kind, tunnel) {
    if (!reading.ok) {
      // Up to the query: what stands there may be anybody's secret.
      const [host = ""] = reading.target.slice(0, MAX_TARGET_LENGTH).split(/[?#]/);
      const subject = { host, port: null, method: reading.method };
      return refuse({ subject }, reading);
    }
    const { request } = reading;
    const attempt: Attempt = { subject: { host: request.host, port: request.port, method: request.method } };

    const identity = await identify(request);
    if (!identity.ok) return refuse(attempt, { reason: "auth", detail: identity.detail });
    const { caller } = identity;
    attempt.caller = caller;

    const unmet = precondition();
    if (unmet) return refuse(attempt, unmet, "failed");

    const ruling = decideByRules(door, caller, request);
    if (!ruling.ok) return refuse(attempt, ruling);
    const { opening } = ruling;
    if (isInTheClear(request, opening, tunnel)) return refuse(attempt, describeInTheClear(request, opening));

    let answered = tunnel?.answered;
    if (opening.outcome === "ask" && (answered === undefined || questionOf(opening) !== answered)) {
      const answer = await ask(caller, request, opening);
      if (answer) return refuse(attempt, answer);
      // The policy may have changed while the person thought about it.
      const again = decideByRules(door, caller, request);
      if (!again.ok) return refuse(attempt, { ...again, reason: "policy_changed" });
      answered = questionOf(opening);
    }

    const place = connections.reserve(kind, {
      caller,
      request,
      through: opening.through,
      granted: opening.addresses,
    });
    if (!place) return refuse(attempt, describeFull(connections.limit(), opening));
    attempt.place = place;

    const share = await trying(() => quotas.admit(caller, request.host));
    if (share === undefined) return refuse(attempt, INTERNAL, "failed");
    if (!share.ok) {
      return refuse(attempt, share, share.reason === "dependency_down" ? "failed" : "deny");
    }
    attempt.quota = share.quota;

    const located = await trying(() => locate(request, opening, outside));
    if (located === undefined) return refuse(attempt, INTERNAL, "failed");
    if (!located.ok) return refuse(attempt, located, located.outcome);

    const connection = nextId();
    const decided = {
      connection,
      door: door.name,
      outcome: "allow",
      reason: "allowed",
      subject: attempt.subject,
      caller,
      rule: opening.rule,
      addresses: located.addresses,
    } as const;
    if (!records.decided(decided)) return refuse(attempt, describeUnrecorded(request), "failed");

    metrics.opened(door.name);
    const lasting = setTimeout(() => records.lasts(decided), LASTING_MS);
    lasting.unref();
    const openedAt = performance.now();
    let isFinished = false;
    const { quota } = share;
    return {
      ok: true,
      connection,
      answered,
      subject: attempt.subject,
      caller,
      request,
      rule: opening.rule,
      matched: opening.matched,
      through: opening.through,
      addresses: located.addresses,
      place,
      quota,
      finish({ reason, bytesUp, bytesDown, address }) {
        if (isFinished) return;
        isFinished = true;
        clearTimeout(lasting);
        quota.close();
        place.release();
        metrics.ended(door.name);
        const durationMs = Math.round(performance.now() - openedAt);
        const outcome = reason === undefined ? "done" : reason === "unreachable" ? "failed" : "deny";
        const addresses = address === undefined ? decided.addresses : [address];
        const sizes = { bytesUp, bytesDown, durationMs };
        records.closed({ ...decided, addresses, outcome, reason: reason ?? "allowed", ...sizes });
      },
    };
  };
}

/** What a rule says of content and credentials is kept inside TLS that is opened here, and nowhere else. */
function isInTheClear(
  request: EgressRequest,
  { matched }: Opening,
  tunnel: Pick<Admitted, "through"> | undefined,
): boolean {
  const wantsTls = matched?.inspect === true || matched?.credential !== undefined;
  return wantsTls && request.method !== "CONNECT" && tunnel?.through !== "inspect";
}

function describeInTheClear(request: EgressRequest, { rule, key }: Opening): Refused {
  const detail = `${formatAuthority(request)} is reached over TLS alone, since its rule looks into it: use https`;
  return { reason: "not_tls", detail, rule, key };
}

/** A rule by its place and its words: a changed profile may have another one in its place. */
function questionOf({ key, rule }: Opening): string {
  return `${key} ${rule}`;
}

function describeFull(limit: number, { rule }: Opening): Refused {
  const detail = `all ${limit} connections are in use: close some, or raise egress.quotas.connections`;
  return { reason: "too_many_connections", detail, rule, key: "egress.quotas.connections" };
}

function describeUnrecorded(request: EgressRequest): Refused {
  const detail = `${formatAuthority(request)} is refused, its record could not be written: nothing goes out unrecorded`;
  return { reason: "unrecorded", detail };
}
