import { randomUUID } from "node:crypto";
import { Admission, type CompiledPolicy, createProblem } from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import { ALLOW, deny, type Gate } from "../gate.ts";
import { needsApproval } from "./needs-approval.ts";

const MARGIN_MS = 10_000;

/** One atomic step in rate-limiter: count the call and reserve its price, or refuse with when to retry. */
export function createAdmitGate(policy: CompiledPolicy, limiter: ServiceClient): Gate {
  return {
    name: "admit",
    async decide({ call, terms }, journey) {
      // A reservation must outlive the person's time to decide and the execution after it.
      const waitMs = needsApproval(terms.risk) ? policy.approvals.expireAfterSeconds * 1_000 : 0;
      const answer = await limiter.call(Admission, {
        method: "POST",
        path: "/v1/admissions",
        body: {
          id: randomUUID(),
          agent: call.agent,
          session: call.session,
          kind: "tool",
          subject: call.tool,
          estimateMicroUsd: terms.priceMicroUsd,
          leaseMs: Math.min(waitMs + terms.deadlineMs + MARGIN_MS, 3_600_000),
        },
      });
      if (!answer.ok) return deny(answer.problem);
      const admission = answer.value;
      if (admission.outcome === "admitted") {
        journey.reservation = admission.id;
        return ALLOW;
      }
      const { code, scope, key, limit, used, retryAfterMs } = admission;
      const again =
        retryAfterMs === null
          ? "waiting does not help: raise the limit"
          : `retry in ${Math.ceil(retryAfterMs / 1_000)} s`;
      return deny(
        createProblem(code, {
          service: "rate-limiter",
          detail: `${call.tool}: the limit of this ${scope} is ${limit}, used ${used}; ${again}`,
          rule: scope,
          key,
          retryAfterMs: retryAfterMs ?? undefined,
        }),
      );
    },
  };
}
