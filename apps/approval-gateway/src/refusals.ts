import type { ProblemCode } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import type { RefusalReason, Transition } from "./transition-scripts.ts";

/** Named in every refusal of this service. */
export const SERVICE = "approval-gateway";

type Refusal = RefusalReason | "call_changed" | "unsealed";

const REFUSALS: Readonly<Record<Refusal, readonly [code: ProblemCode, detail: string]>> = {
  not_found: ["not_found", "there is no such approval, or it ended more than seven days ago"],
  digest: ["approval_invalid", "the digest is not the one of this approval: read the call again"],
  policy: ["approval_invalid", "the policy changed since this call was held: send the call again"],
  pending: ["approval_invalid", "nobody has decided yet: wait for the decision"],
  decided: ["approval_invalid", "this approval was decided before: reload the list"],
  denied: ["approval_denied", "a person denied this call: do something else, or ask the operator why"],
  expired: ["approval_expired", "nobody approved in time, which denies: send the call again"],
  consumed: ["approval_consumed", "each approval is good for one execution: send the call again"],
  same_operator: ["approval_invalid", "you approved this before: a CRITICAL call needs a second person"],
  too_early: [
    "approval_invalid",
    "a CRITICAL call can be approved by one person only after a delay: read it",
  ],
  not_consumed: ["approval_invalid", "only a consumed approval can have an outcome"],
  call_changed: [
    "approval_invalid",
    "the digest is not the SHA-256 of this call's canonical JSON: hash it anew",
  ],
  unsealed: ["approval_invalid", "the stored decision does not carry our seal: someone else wrote it"],
};

export function refusalOf(reason: Refusal, waitMs?: number): ProblemError {
  const [code, detail] = REFUSALS[reason];
  return ProblemError.of(code, {
    service: SERVICE,
    detail,
    ...(waitMs === undefined || waitMs === 0 ? {} : { retryAfterMs: waitMs }),
  });
}

/** The approval after the step, or the refusal thrown. */
export function readTransitionOrRefuse(transition: Transition) {
  if (transition.outcome === "ok") return transition.stored;
  throw refusalOf(transition.reason, transition.waitMs);
}
