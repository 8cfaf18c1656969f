import { ApprovalStatus, type MicroUsd, type Settlement, SettlementResult } from "@claws/contracts";
import type { Logger, ServiceClient } from "@claws/service-kit";
import type { Journey } from "../gate.ts";

export interface Settle {
  /** Books the price, or gives the reservation back because nothing was sent. */
  reservation(journey: Journey, settlement: "release" | { readonly commit: MicroUsd }): Promise<void>;
  /** Tells the approval-gateway how the one execution ended. */
  approval(journey: Journey, status: "executed" | "failed" | "indeterminate"): Promise<void>;
}

/**
 * What is not settled settles itself: a reservation's lease ends at its estimate, and a consumed approval
 * stays consumed. So a failure here is logged and never changes what the agent is told.
 */
export function createSettle(limiter: ServiceClient, approvals: ServiceClient, logger: Logger): Settle {
  return {
    async reservation(journey, settlement) {
      const { reservation } = journey;
      if (reservation === undefined) return;
      delete journey.reservation;
      const body: Settlement =
        settlement === "release"
          ? { outcome: "release" }
          : { outcome: "commit", actualMicroUsd: settlement.commit };
      const answer = await limiter.call(SettlementResult, {
        method: "POST",
        path: `/v1/admissions/${reservation}/settlement`,
        body,
      });
      if (!answer.ok)
        logger.error(
          { reservation, code: answer.problem.code },
          "reservation not settled: its lease will end it",
        );
    },
    async approval(journey, status) {
      if (journey.approval === undefined) return;
      const { id } = journey.approval;
      const answer = await approvals.call(ApprovalStatus, {
        method: "POST",
        path: `/v1/approvals/${id}/outcome`,
        body: { status },
      });
      if (!answer.ok)
        logger.error({ approval: id, code: answer.problem.code }, "outcome of an approved call not reported");
    },
  };
}
