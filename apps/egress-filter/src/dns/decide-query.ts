import type { EgressReason } from "@claws/contracts";
import { isSpecialName } from "@claws/policy";
import { readAuthority } from "../authority.ts";
import { type AddressRecord, type Answer, type DnsQuery, formatType, RecordType } from "./dns-message.ts";
import { findNameIndicator, findTypeIndicator, type NameIndicator } from "./name-indicators.ts";

/** The asking agent's rules, as far as a name without a port can be judged by them. */
export interface NameRules {
  /** Whether some request to the host could be permitted, on any port. A name that a person is asked about is one. */
  readonly isNameAllowed: (host: string) => boolean;
  /** Whether a rule names just this host. The agent then chose nothing in it, however odd it looks. Opens nothing alone. */
  readonly isExact: (host: string) => boolean;
}

export type DnsOutcome = "answered" | "nxdomain" | "refused";

/**
 * - `allowed`: some rule could let a connection to this host pass
 * - `not_allowed`: none could; also every name of an address (PTR)
 * - `special_name`: a name for places on this side of the internet, which only an exact rule opens
 * - `dns_type_denied`, `dns_label_suspicious`: the query looks like data on its way out
 * - `query_malformed`: bytes that are no plain query of class IN
 */
export type DnsReason =
  | "allowed"
  | "query_malformed"
  | Extract<EgressReason, "not_allowed" | "special_name" | "dns_type_denied" | "dns_label_suspicious">;

/** What is reported of a query. `name` and `type` are the agent's words: for a log, never for a metric's label. */
export interface DnsDecision {
  /** Escaped (see `DnsQuery.name`), 253 characters at most; empty when it could not be read. */
  readonly name: string;
  readonly type: string;
  readonly outcome: DnsOutcome;
  readonly reason: DnsReason;
  readonly indicator?: NameIndicator | undefined;
}

export interface DnsVerdict {
  readonly decision: DnsDecision;
  readonly answer: Answer;
}

const MAX_REPORTED_NAME = 253;

/**
 * Decides what a query is answered with. Nothing is ever asked of anybody else: the agent needs no real
 * address, since all it can reach is the proxy, which resolves by itself after its own judgement. So an
 * allowed name has the proxy's address (`synthetic`), and no query leaves because the agent spelt a name.
 *
 * All refusals are NXDOMAIN on the wire. It is the one negative answer that ends a lookup at once: musl
 * ignores REFUSED and waits for its time-out, glibc and Docker's resolver try their next server.
 */
export function decideQuery(query: DnsQuery, rules: NameRules, synthetic: AddressRecord): DnsVerdict {
  const denied = findTypeIndicator(query.type);
  if (denied) return refuse(query, "dns_type_denied", denied);

  const host = readHost(query.name);
  const isExact = host !== undefined && rules.isExact(host);
  const suspicious = isExact ? undefined : findNameIndicator(query.labels);
  if (suspicious) return refuse(query, "dns_label_suspicious", suspicious);

  if (host === undefined || query.type === RecordType.PTR) return deny(query, "not_allowed");
  if (!isExact && isSpecialName(host)) return deny(query, "special_name");
  if (!rules.isNameAllowed(host)) return deny(query, "not_allowed");

  const decision = describe(query, "answered", "allowed");
  return query.type === synthetic.type
    ? { decision, answer: { code: "NOERROR", record: synthetic } }
    : { decision, answer: { code: "NOERROR" } };
}

/** The form that the proxy matches rules against: what it would not take as a host, no rule can mean. */
function readHost(name: string): string | undefined {
  const reading = readAuthority(name, 443);
  return reading.ok && reading.authority.literal === undefined ? reading.authority.host : undefined;
}

function deny(query: DnsQuery, reason: DnsReason): DnsVerdict {
  return { decision: describe(query, "nxdomain", reason), answer: { code: "NXDOMAIN" } };
}

function refuse(query: DnsQuery, reason: DnsReason, indicator: NameIndicator): DnsVerdict {
  const decision = { ...describe(query, "refused", reason), indicator };
  return { decision, answer: { code: "NXDOMAIN" } };
}

function describe({ name, type }: DnsQuery, outcome: DnsOutcome, reason: DnsReason): DnsDecision {
  return { name: name.slice(0, MAX_REPORTED_NAME), type: formatType(type), outcome, reason };
}
