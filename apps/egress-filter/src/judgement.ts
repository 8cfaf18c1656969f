import type { EgressRule } from "@claws/contracts";
import type { Caller } from "./caller.ts";
import type { ConnectionQuota } from "./quota/connection-quota.ts";
import type { Place } from "./connections.ts";
import type { EgressRequest } from "./read-request.ts";
import type { Refused } from "./refusal.ts";

/** What everybody wants to know of a request: the log, the audit and the refusal. */
export interface Subject {
  readonly host: string;
  readonly port: number | null;
  readonly method: string;
}

/** How much of what goes through can be judged: nothing, all of it, or all of it and nothing but plain HTTP. */
export type Through = "opaque" | "inspect" | "readable";

/** The request may go out, to one of these addresses and nowhere else. */
export interface Permit {
  readonly ok: true;
  readonly subject: Subject;
  readonly caller: Caller;
  readonly request: EgressRequest;
  readonly rule?: string | undefined;
  readonly matched?: EgressRule | undefined;
  readonly through: Through;
  readonly addresses: readonly [string, ...string[]];
  readonly place: Place;
  readonly quota: ConnectionQuota;
}

/** The request does not go out. */
export interface Refusal extends Refused {
  readonly ok: false;
  readonly outcome: "deny" | "failed";
  readonly subject: Subject;
  readonly caller?: Caller | undefined;
}

export type Judgement = Permit | Refusal;
