import { ALLOW, deny, type Gate } from "../gate.ts";
import type { CallAudit } from "../call-audit.ts";

/** No audit record, no action: the decision is on disk before anything is sent. */
export function createAuditGate(audit: CallAudit): Gate {
  return {
    name: "audit-before-act",
    async decide(prepared, journey) {
      const problem = await audit.recordDecision(prepared, journey);
      return problem === undefined ? ALLOW : deny(problem);
    },
  };
}
