import type { Approval } from "@claws/contracts";

/** All that the approve button depends on; times are milliseconds of one clock. */
export interface ApproveSituation {
  readonly approval: Pick<
    Approval,
    "risk" | "approvalsNeeded" | "approvedBy" | "createdAt" | "expiresAt" | "call"
  >;
  readonly now: number;
  /** When the card, or the window, last appeared or moved. */
  readonly settledAt: number;
  readonly armedAt: number | undefined;
  readonly isLive: boolean;
  readonly isSending: boolean;
  readonly operator: string;
}

export interface ApproveButton {
  readonly isEnabled: boolean;
  readonly isArmed: boolean;
  readonly label: string;
}

/** A click that was meant for what stood here a moment ago approves nothing. */
export const SETTLE_MS = 700;
/** An armed button that nobody confirms goes back. */
export const ARMED_MS = 10_000;
/** The gateway refuses a lone approval of a CRITICAL call before this age; the button says so first. */
export const CRITICAL_AGE_MS = 10_000;

/** Whether Approve may be pressed, and what it says. Off is the fall-through. */
export function decideApproveButton(situation: ApproveSituation): ApproveButton {
  const { approval, now, settledAt, armedAt, isLive, isSending, operator } = situation;
  const off = (label: string): ApproveButton => ({ isEnabled: false, isArmed: false, label });
  if (isSending) return off("Sending");
  if (now >= approval.expiresAt) return off("Expired");
  if (!isLive) return off("Approve (not live)");
  if (approval.approvedBy.includes(operator)) return off("Waiting for a second person");
  const age = now - approval.createdAt;
  if (approval.risk === "CRITICAL" && approval.approvalsNeeded === 1 && age < CRITICAL_AGE_MS) {
    return off(`Approve in ${Math.ceil((CRITICAL_AGE_MS - age) / 1_000)} s`);
  }
  if (now - settledAt < SETTLE_MS) return off("Approve");
  if (armedAt !== undefined && now - armedAt < ARMED_MS) {
    // The second click of a double click is no confirmation.
    const isEnabled = now - armedAt >= SETTLE_MS;
    return { isEnabled, isArmed: true, label: `Confirm: run ${approval.call.tool}` };
  }
  return { isEnabled: true, isArmed: false, label: "Approve" };
}
