import type { Risk } from "@claws/contracts";

/** A CRITICAL call takes two people, except where the owner said that there is one operator. */
export function decideApprovalsNeeded(risk: Risk, isSingleOperator: boolean): 1 | 2 {
  return risk === "CRITICAL" && !isSingleOperator ? 2 : 1;
}

/** How old a CRITICAL call must be before one person alone may approve it: time to read, not to reflex. */
export const CRITICAL_MINIMUM_AGE_MS = 10_000;
