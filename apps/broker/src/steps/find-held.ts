import { ApprovalStatus } from "@claws/contracts";
import { ProblemError, type ServiceClient } from "@claws/service-kit";
import type { PreparedCall } from "../gate.ts";

/** The reservation that waits with this very call, where a person has it before them or has approved it. */
export type FindHeld = (prepared: PreparedCall) => Promise<{ reservation: string } | undefined>;

/** Not knowing whether a call is held is a refusal: it would be counted, and asked about, twice. */
export function createFindHeld(approvals: ServiceClient): FindHeld {
  return async ({ digest }) => {
    const answer = await approvals.call(ApprovalStatus, {
      method: "GET",
      path: `/v1/approvals/open/${digest}`,
    });
    if (answer.ok) return { reservation: answer.value.reservation };
    if (answer.problem.code === "not_found") return undefined;
    throw new ProblemError(answer.problem);
  };
}
