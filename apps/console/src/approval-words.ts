import type { Approval, ApprovalState } from "@claws/contracts";

/** The risk in words, with what it asks of people. */
export function describeRisk({ risk, approvalsNeeded }: Pick<Approval, "risk" | "approvalsNeeded">): string {
  switch (risk) {
    case "LOW":
      return "Low risk";
    case "MEDIUM":
      return "Medium risk";
    case "HIGH":
      return "High risk: one person must approve";
    case "CRITICAL":
      return approvalsNeeded === 2
        ? "Critical risk: two people must approve"
        : "Critical risk: you decide alone, so read it twice";
  }
}

const ENDINGS: Readonly<Record<ApprovalState, string>> = {
  pending: "waits",
  approved: "approved, not used yet",
  denied: "denied",
  expired: "expired: nobody decided in time",
  consumed: "approved, running",
  executed: "approved and executed",
  failed: "approved, but it failed",
  indeterminate: "approved; whether it ran is not known",
};

/** How it ended, and by whom. */
export function describeEnding({ state, approvedBy, deniedBy, reason }: Approval): string {
  const people = deniedBy === undefined ? approvedBy : [deniedBy];
  const by = people.length === 0 ? "" : ` (${people.join(" and ")})`;
  const why = reason === undefined ? "" : `: ${reason}`;
  return `${ENDINGS[state]}${by}${why}`;
}
