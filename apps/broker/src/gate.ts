import type { CallDigest, ConsumedApproval, FrozenCall, JsonValue, Problem } from "@claws/contracts";
import type { ToolTerms } from "@claws/policy";
import type { CallOutcome } from "./call-outcome.ts";
import type { ToolDefinition } from "./upstream/tool-definition.ts";

/** A frozen call with what the catalogue and the policy say of its tool. Nothing in it ever changes. */
export interface PreparedCall {
  readonly call: FrozenCall;
  readonly digest: CallDigest;
  readonly definition: ToolDefinition;
  readonly terms: ToolTerms;
}

/**
 * What one call collects on its way. Only the gate that obtains a thing writes it; whatever ends the
 * call gives back what was taken.
 */
export interface Journey {
  /** Aborted when the agent hangs up. */
  readonly signal: AbortSignal;
  /** Rules of detectors that found something and let it pass. */
  readonly flagged: string[];
  /** Reservation in rate-limiter, to be committed or released. */
  reservation?: string;
  /** Reservation that an open approval keeps: it is settled only once that approval has ended. */
  held?: string;
  /** Set once a person approved and the single-use receipt was taken. */
  approval?: { readonly id: string; readonly consumed: ConsumedApproval };
}

export type Verdict =
  | { readonly verdict: "allow" }
  | { readonly verdict: "deny"; readonly problem: Problem }
  /** A redacted call is a new call: it is frozen anew and judged from the first gate. */
  | { readonly verdict: "replace"; readonly arguments: Record<string, JsonValue> }
  /** A person has not decided yet. */
  | { readonly verdict: "hold"; readonly outcome: CallOutcome };

export interface Gate {
  readonly name: string;
  decide(prepared: PreparedCall, journey: Journey): Promise<Verdict> | Verdict;
}

export const ALLOW: Verdict = { verdict: "allow" };
export const deny = (problem: Problem): Verdict => ({ verdict: "deny", problem });
