import type { ProblemCode } from "@claws/contracts";
import type { EgressDecision } from "@claws/policy";
import type { EgressRequest } from "./read-request.ts";

/** What everybody wants to know of a request: the log, the audit and the refusal. */
export interface Subject {
  readonly host: string;
  readonly port: number | null;
  readonly method: string;
}

/** The request may go out, to one of these addresses and nowhere else. */
export interface Permit {
  readonly ok: true;
  readonly subject: Subject;
  readonly request: EgressRequest;
  readonly reason: string;
  readonly rule?: string | undefined;
  readonly addresses: readonly [string, ...string[]];
}

/** The request does not go out. `detail` is for the agent, `address` is not. */
export interface Refusal {
  readonly ok: false;
  readonly outcome: "deny" | "failed";
  readonly subject: Subject;
  readonly code: ProblemCode;
  readonly reason: string;
  readonly detail: string;
  readonly rule?: string | undefined;
  readonly key?: string | undefined;
  readonly address?: string | undefined;
}

export type Judgement = Permit | Refusal;

/** A listener's name, who is behind it, and the rules for them. */
export interface Door {
  readonly name: "agents" | "services";
  /** Who asks, for the audit record. */
  readonly caller: { readonly agent: string } | { readonly peer: string };
  readonly decide: (request: EgressRequest) => EgressDecision;
  /** What to change so that the destination becomes reachable. */
  readonly advise: (destination: string) => string;
}
