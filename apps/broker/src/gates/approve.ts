import {
  ApprovalStatus,
  type CompiledPolicy,
  ConsumedApproval,
  createProblem,
  type Problem,
} from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import { ALLOW, deny, type Gate, type Journey, type PreparedCall, type Verdict } from "../gate.ts";
import type { ConsumedLedger } from "../approvals/consumed-ledger.ts";
import type { ReceiptVerifier } from "../approvals/receipt-verifier.ts";
import { needsApproval } from "./needs-approval.ts";

export interface ApproveDependencies {
  readonly policy: CompiledPolicy;
  readonly approvals: ServiceClient;
  readonly verifyReceipt: ReceiptVerifier;
  readonly ledger: ConsumedLedger;
}

/**
 * HIGH and CRITICAL calls wait for a person. The caller is held for the policy's time, then gets an
 * ordinary `pending` result and resumes by resending the same call. An approval is used once: the
 * gateway's state, the signed receipt and the broker's own ledger must all agree.
 */
export function createApproveGate({ policy, approvals, verifyReceipt, ledger }: ApproveDependencies): Gate {
  const request = (prepared: PreparedCall, reservation: string) =>
    approvals.call(ApprovalStatus, {
      method: "POST",
      path: "/v1/approvals",
      body: {
        call: prepared.call,
        digest: prepared.digest,
        risk: prepared.terms.risk,
        rule: prepared.terms.riskRule,
        reservation,
      },
    });

  const waitForDecision = (id: string, signal: AbortSignal) => {
    const waitMs = policy.approvals.holdSeconds * 1_000;
    return approvals.call(ApprovalStatus, {
      method: "GET",
      path: `/v1/approvals/${id}?waitMs=${waitMs}`,
      timeoutMs: waitMs + 5_000,
      signal,
    });
  };

  const consume = async (prepared: PreparedCall, journey: Journey, id: string): Promise<Verdict> => {
    const answer = await approvals.call(ConsumedApproval, {
      method: "POST",
      path: `/v1/approvals/${id}/consume`,
      body: { digest: prepared.digest, policyHash: policy.hash },
    });
    if (!answer.ok) {
      // Where it is not known whether the approval was consumed, it may still be open.
      if (answer.problem.code !== "service_unavailable") takeBack(journey);
      return deny(answer.problem);
    }
    takeBack(journey);
    const problem = await verifyReceipt(answer.value, {
      id,
      digest: prepared.digest,
      policyHash: policy.hash,
    });
    if (problem !== undefined) return deny(problem);
    if (!ledger.record(id)) return deny(alreadyConsumed(id));
    journey.approval = { id, consumed: answer.value };
    return ALLOW;
  };

  return {
    name: "approve",
    async decide(prepared, journey) {
      if (!needsApproval(prepared.terms.risk)) return ALLOW;
      const reservation = journey.held ?? journey.reservation;
      if (reservation === undefined) throw new Error("a call is approved only after it was admitted");
      const opened = await request(prepared, reservation);
      if (!opened.ok) return deny(opened.problem);
      // From here on the reservation belongs to the approval: until that has ended, only its lease ends it.
      delete journey.reservation;
      journey.held = reservation;
      const waited =
        opened.value.state === "pending" ? await waitForDecision(opened.value.id, journey.signal) : opened;
      if (!waited.ok) return journey.signal.aborted ? holdFor(opened.value) : deny(waited.problem);
      const approval = waited.value;
      if (approval.state === "pending") return holdFor(approval);
      if (approval.state === "approved") return consume(prepared, journey, approval.id);
      takeBack(journey);
      switch (approval.state) {
        case "denied":
          return deny(
            createProblem("approval_denied", {
              service: "approval-gateway",
              detail: `${prepared.call.tool}: ${approval.reason ?? "an operator denied this call"}`,
              rule: prepared.terms.riskRule,
            }),
          );
        case "expired":
          return deny(
            createProblem("approval_expired", {
              service: "approval-gateway",
              detail: `${prepared.call.tool}: nobody decided in ${policy.approvals.expireAfterSeconds} s; silence is denial`,
              rule: prepared.terms.riskRule,
              key: "approvals.expireAfterSeconds",
            }),
          );
        case "consumed":
        case "executed":
        case "failed":
        case "indeterminate":
          return deny(alreadyConsumed(approval.id));
      }
    },
  };
}

/** The approval has ended, so its reservation is this call's to settle. */
function takeBack(journey: Journey): void {
  if (journey.held === undefined) return;
  journey.reservation = journey.held;
  delete journey.held;
}

function holdFor(approval: ApprovalStatus): Verdict {
  return { verdict: "hold", outcome: { kind: "pending", approval } };
}

function alreadyConsumed(id: string): Problem {
  return createProblem("approval_consumed", {
    service: "broker",
    detail: `approval ${id} was used before; each is good for one execution`,
  });
}
