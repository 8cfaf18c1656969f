import type { EgressDecision } from "@claws/policy";
import type { AddressClassifier } from "./address-class.ts";
import { decideAddresses } from "./address-verdict.ts";
import { formatAuthority } from "./authority.ts";
import type { Door, Judgement, Refusal, Subject } from "./judgement.ts";
import type { EgressRequest, RequestReading } from "./read-request.ts";
import type { AddressResolver } from "./resolve.ts";

/** The world that a judgement looks at; production and tests differ here and nowhere else. */
export interface Outside {
  readonly resolve: AddressResolver;
  readonly classify: AddressClassifier;
}

type Allowed = Extract<EgressDecision, { outcome: "allow" }>;

const MAX_TARGET_LENGTH = 200;

/**
 * The steps that lead to a judgement, in their order: read strictly, ask the rules, resolve once, judge
 * every address. A name that the rules refuse is never resolved: the query alone would carry data out.
 */
export async function judge(reading: RequestReading, door: Door, outside: Outside): Promise<Judgement> {
  if (!reading.ok) return refuseReading(reading);
  const { request } = reading;

  const decision = door.decide(request);
  if (decision.outcome === "deny") return refuseByRules(request, decision, door);

  const answers = await resolveOnce(request, outside.resolve);
  if (!answers.ok) return refuseUnresolved(request, decision, answers.reason);

  const verdict = decideAddresses(answers.addresses, decision.addresses, outside.classify);
  if (!verdict.ok) return refuseAddress(request, decision, verdict);

  const { reason, rule } = decision;
  return { ok: true, subject: subjectOf(request), request, reason, rule, addresses: verdict.addresses };
}

async function resolveOnce({ host, literal }: EgressRequest, resolve: AddressResolver) {
  return literal === undefined ? resolve(host) : ({ ok: true, addresses: [literal] } as const);
}

function subjectOf({ host, port, method }: EgressRequest): Subject {
  return { host, port, method };
}

function refuseReading({ code, reason, target, method }: Extract<RequestReading, { ok: false }>): Refusal {
  const subject = { host: target.slice(0, MAX_TARGET_LENGTH), port: null, method };
  return { ok: false, outcome: "deny", subject, code, reason, detail: reason };
}

function refuseByRules(
  request: EgressRequest,
  { reason, rule, key }: Extract<EgressDecision, { outcome: "deny" }>,
  door: Door,
): Refusal {
  const destination = formatAuthority(request);
  const detail =
    rule === undefined
      ? `${destination} is refused, ${reason}: ${door.advise(destination)}`
      : `${destination} is refused, ${reason}: "${rule}" (${key})`;
  return {
    ok: false,
    outcome: "deny",
    subject: subjectOf(request),
    code: "egress_denied",
    reason,
    detail,
    rule,
    key,
  };
}

function refuseUnresolved(request: EgressRequest, { rule, key }: Allowed, reason: string): Refusal {
  return {
    ok: false,
    outcome: "failed",
    subject: subjectOf(request),
    code: "destination_unreachable",
    reason,
    detail: `${request.host} cannot be reached, ${reason}: check how it is spelt, or try again`,
    rule,
    key,
  };
}

function refuseAddress(
  request: EgressRequest,
  { rule, key }: Allowed,
  { address, reason, isGrantable }: { address: string; reason: string; isGrantable: boolean },
): Refusal {
  const destination = formatAuthority(request);
  const place = key === undefined ? `of a rule for ${destination} under egress.rules` : `of ${key}`;
  const cure = isGrantable
    ? `if that is meant, put its range under addresses ${place} in the profile`
    : "no rule can open that";
  return {
    ok: false,
    outcome: "deny",
    subject: subjectOf(request),
    code: "address_denied",
    reason,
    detail: `${destination} is refused, ${reason}: ${cure}`,
    rule,
    key: isGrantable ? (key ?? "egress.rules") : key,
    address,
  };
}
