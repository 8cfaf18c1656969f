import type { VerificationGate } from "@claws/service-kit";
import { refuse } from "./refuse.ts";

/** No call to a model before the stack has proved that there is no other way out. */
export function requireVerified(gate: Pick<VerificationGate, "refusal">): void {
  const refusal = gate.refusal();
  if (refusal === undefined) return;
  throw refuse("stack_unverified", refusal.detail, {
    reason: refusal.reason,
    key: "egress.requireVerification",
    retryAfterMs: 1_000,
    nextSteps: ["try again later; if it lasts, ask the operator to run './claws verify'"],
  });
}
