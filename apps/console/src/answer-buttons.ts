import type { EgressQuestion } from "@claws/contracts";
import { ARMED_MS, SETTLE_MS } from "./approve-button.ts";

/** All that the three yes buttons depend on; times are milliseconds of one clock. */
export interface AnswerSituation {
  readonly question: Pick<EgressQuestion, "expiresAt">;
  readonly now: number;
  /** When the card, or the window, last appeared or moved. */
  readonly settledAt: number;
  /** When `for good` was pressed for the first time. */
  readonly armedAt: number | undefined;
  readonly isLive: boolean;
  readonly isSending: boolean;
}

export interface AnswerButtons {
  /** Whether `once` and `this session` may be pressed. */
  readonly canAllow: boolean;
  /** Whether `for good` may be pressed: it outlives the session, so it takes two presses. */
  readonly canAllowForGood: boolean;
  readonly isArmed: boolean;
  readonly forGoodLabel: string;
  /** Why nothing can be allowed now; empty when it can, or will in a moment. */
  readonly why: string;
}

/** Whether a yes may be pressed. Off is the fall-through; a no may be pressed at any time. */
export function decideAnswerButtons(situation: AnswerSituation): AnswerButtons {
  const { question, now, settledAt, armedAt, isLive, isSending } = situation;
  const isArmed = armedAt !== undefined && now - armedAt < ARMED_MS;
  const forGoodLabel = isArmed ? "Confirm: allow for good" : "Allow for good";
  const off = (why: string): AnswerButtons => ({
    canAllow: false,
    canAllowForGood: false,
    isArmed: false,
    forGoodLabel: "Allow for good",
    why,
  });
  if (isSending) return off("Sending");
  if (now >= question.expiresAt) return off("Expired: nobody answered in time, which is no");
  if (!isLive) return off("Not live: nothing can be allowed");
  if (now - settledAt < SETTLE_MS) return off("");
  return {
    canAllow: true,
    // The second click of a double click is no confirmation.
    canAllowForGood: !isArmed || now - armedAt >= SETTLE_MS,
    isArmed,
    forGoodLabel,
    why: "",
  };
}
