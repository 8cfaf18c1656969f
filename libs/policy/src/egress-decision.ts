import type { EgressReason, EgressRule } from "@claws/contracts";

/** Where a request wants to go: a canonical host, a port, and what can be read of the request. */
export interface EgressQuery {
  /** Lower case, no trailing dot; IPv6 in brackets. */
  readonly host: string;
  readonly port: number;
  /** `CONNECT` for a tunnel; for a request inside of one, its own. */
  readonly method: string;
  /** Path with its query, as sent; absent where the request cannot be read. */
  readonly path?: string;
  /** The values of a header, by its name in lower case; absent where the request cannot be read. */
  readonly headers?: (name: string) => readonly string[];
}

/**
 * How a destination is reached. `opaque`: as a tunnel that nobody looks into. `inspect`: TLS is opened, and
 * each request inside is judged again by its own method, path and headers; of plain HTTP, the body is read
 * too. `readable`: plain HTTP only, each request judged; a tunnel so marked must not carry anything else.
 */
export type EgressThrough = "opaque" | "inspect" | "readable";

/** The destination may be reached: at once (`allow`), or when a person has said so (`ask`). */
export interface EgressPermit {
  readonly outcome: "allow" | "ask";
  /** The rule that decided, in words; absent when the mode did. */
  readonly rule?: string;
  /** Where that rule stands in the profile. */
  readonly key?: string;
  readonly matched?: EgressRule;
  /** Ranges of non-public addresses that the deciding rule accepts for this host. */
  readonly addresses: readonly string[];
  readonly through: EgressThrough;
}

export interface EgressDenial {
  readonly outcome: "deny";
  readonly reason: EgressReason;
  /** What is wrong, for the agent and for the log; names no value of a header and no query string. */
  readonly detail: string;
  readonly rule?: string;
  /** The key of the profile to change so that the destination becomes reachable. */
  readonly key: string;
}

/** What the rules say of a request, before any name is resolved. */
export type EgressDecision = EgressPermit | EgressDenial;
