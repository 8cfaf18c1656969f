import type { Socket } from "node:net";
import { createProblem, type Problem } from "@claws/contracts";
import type { AuditTrail } from "./audit-trail.ts";
import { formatAuthority } from "./authority.ts";
import type { Connections, Place } from "./connections.ts";
import type { DecisionJournal } from "./decision-journal.ts";
import { dial } from "./dial.ts";
import { judge, type Outside } from "./judge.ts";
import type { Door, Judgement, Permit, Refusal } from "./judgement.ts";
import type { EgressRequest, RequestReading } from "./read-request.ts";

export type Admission =
  | { readonly ok: true; readonly request: EgressRequest; readonly socket: Socket }
  | { readonly ok: false; readonly problem: Problem };

/** Takes what a listener read and answers with a connected socket or with the problem to send. */
export type Admit = (reading: RequestReading) => Promise<Admission>;

export interface PipelineParts {
  readonly door: Door;
  readonly outside: Outside;
  readonly connections: Connections;
  readonly record: AuditTrail;
  readonly journal: DecisionJournal;
}

/**
 * Every request of a door goes this way, in this order:
 * read → rules → resolve → classify (all in `judge`) → place → audit → dial → compare → journal.
 * The record is written before the first byte leaves: no audit record, no action.
 */
export function createPipeline({ door, outside, connections, record, journal }: PipelineParts): Admit {
  return async function admit(reading) {
    const judged = await judge(reading, door, outside);
    const place = judged.ok ? connections.reserve() : undefined;
    const placed = judged.ok && !place ? refuseForRoom(judged, connections.limit) : judged;
    const isRecorded = await record(placed, door);
    const outcome = await open(placed, isRecorded, place);
    journal.decided(outcome, door, isRecorded);
    if (!outcome.ok) {
      place?.release();
      return { ok: false, problem: problemOf(outcome) };
    }
    const { socket, subject, request } = outcome;
    const openedAt = performance.now();
    socket.once("close", () => {
      const durationMs = Math.round(performance.now() - openedAt);
      journal.closed(subject, door, {
        bytesUp: socket.bytesWritten,
        bytesDown: socket.bytesRead,
        durationMs,
      });
    });
    return { ok: true, request, socket };
  };
}

async function open(judgement: Judgement, isRecorded: boolean, place: Place | undefined) {
  if (!judgement.ok) return judgement;
  if (!isRecorded || !place) return refuseUnrecorded(judgement);
  const dialled = await dial(judgement.addresses, judgement.request.port);
  if (!dialled.ok) return refuseUnreachable(judgement, dialled.reason);
  place.hold(dialled.socket, judgement.request.method === "CONNECT" ? "tunnel" : "request");
  return { ...judgement, socket: dialled.socket, address: dialled.address };
}

function refuseForRoom({ subject, rule }: Permit, limit: number): Refusal {
  const reason = "all connections are in use";
  const detail = `all ${limit} connections of this listener are in use: close some, or raise MAX_TUNNELS of egress-filter`;
  return { ok: false, outcome: "deny", subject, code: "rate_limited", reason, detail, rule };
}

function refuseUnrecorded({ subject, rule, addresses }: Permit): Refusal {
  const reason = "the auditor did not take the record";
  const detail = `${reason}, and nothing goes out unrecorded: try again, or see './claws status'`;
  const [address] = addresses;
  return {
    ok: false,
    outcome: "failed",
    subject,
    code: "service_unavailable",
    reason,
    detail,
    rule,
    address,
  };
}

function refuseUnreachable({ subject, request, rule, addresses }: Permit, reason: string): Refusal {
  const detail = `${formatAuthority(request)} cannot be reached, ${reason}: check the port, or try again`;
  const address = addresses.join(" ");
  return {
    ok: false,
    outcome: "failed",
    subject,
    code: "destination_unreachable",
    reason,
    detail,
    rule,
    address,
  };
}

function problemOf({ code, detail, rule, key }: Refusal): Problem {
  return createProblem(code, { service: "egress-filter", detail, rule, key });
}
