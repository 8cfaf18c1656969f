import type { Risk } from "@claws/contracts";

/** LOW and MEDIUM run; HIGH and CRITICAL, and any level that is added later, wait for a person. */
export function needsApproval(risk: Risk): boolean {
  return risk !== "LOW" && risk !== "MEDIUM";
}
