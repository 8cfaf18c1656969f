import type { EgressDecision } from "@claws/policy";
import type { AddressClassifier } from "./address-class.ts";
import { decideAddresses } from "./address-verdict.ts";
import { formatAuthority } from "./authority.ts";
import type { Caller } from "./caller.ts";
import type { Dial } from "./dial.ts";
import type { Door } from "./doors.ts";
import type { EgressRequest } from "./read-request.ts";
import type { Refused } from "./refusal.ts";
import type { AddressResolver } from "./resolve.ts";

/** The world that a judgement looks at; production and tests differ here and nowhere else. */
export interface Outside {
  readonly resolve: AddressResolver;
  readonly classify: AddressClassifier;
  readonly dial: Dial;
}

export type Opening = Exclude<EgressDecision, { outcome: "deny" }>;

/** Asks the rules. A name that they refuse is never resolved: the query alone would carry data out. */
export function decideByRules(
  door: Door,
  caller: Caller,
  request: EgressRequest,
): { readonly ok: true; readonly opening: Opening } | ({ readonly ok: false } & Refused) {
  const decision = door.decide(caller, request);
  if (decision.outcome !== "deny") return { ok: true, opening: decision };
  const { reason, detail, rule, key } = decision;
  const destination = formatAuthority(request);
  const explained =
    rule === undefined
      ? `${destination} is refused, ${detail}: ${door.advise(caller, destination)}`
      : `${destination} is refused, ${detail}: "${rule}" (${key})`;
  return { ok: false, reason, detail: explained, rule, key };
}

export type Located =
  | { readonly ok: true; readonly addresses: readonly [string, ...string[]] }
  | ({ readonly ok: false; readonly outcome: "deny" | "failed" } & Refused);

/** Resolves once and judges every answer; what it returns is what is dialled, and nothing else ever is. */
export async function locate(request: EgressRequest, opening: Opening, outside: Outside): Promise<Located> {
  const { rule, key } = opening;
  const answers =
    request.literal === undefined
      ? await outside.resolve(request.host)
      : ({ ok: true, addresses: [request.literal] } as const);
  if (!answers.ok) {
    const detail = `${request.host} cannot be reached, ${answers.detail}: check how it is spelt, or try again`;
    return { ok: false, outcome: "failed", reason: "unresolvable", detail, rule, key };
  }
  const verdict = decideAddresses(answers.addresses, opening.addresses, outside.classify);
  if (verdict.ok) return verdict;

  const destination = formatAuthority(request);
  const place = key === undefined ? `of a rule for ${destination} under egress.rules` : `of ${key}`;
  const cure = verdict.isGrantable
    ? `if that is meant, put its range under addresses ${place} in the profile`
    : "no rule can open that";
  return {
    ok: false,
    outcome: "deny",
    reason: request.literal === undefined ? "private_ip" : "ip_literal_denied",
    detail: `${destination} is refused, ${verdict.reason}: ${cure}`,
    rule,
    key: verdict.isGrantable ? (key ?? "egress.rules") : key,
    address: verdict.address,
  };
}
