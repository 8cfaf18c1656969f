import type { Approval } from "@claws/contracts";
import { describeEnding } from "./approval-words.ts";
import { createElement, createVisibleText } from "./create-element.ts";
import { formatClock } from "./time-left.ts";

const SHOWN = 30;

/** The recently decided calls, newest first, with how each ended. */
export function createHistory(approvals: readonly Approval[]): readonly HTMLElement[] {
  return approvals
    .filter(({ state }) => state !== "pending")
    .slice(0, SHOWN)
    .map((approval) =>
      createElement("li", {}, [
        createElement("span", { className: "quiet", text: formatClock(approval.createdAt) }),
        createVisibleText("code", approval.call.tool),
        createVisibleText("span", describeEnding(approval)),
      ]),
    );
}
