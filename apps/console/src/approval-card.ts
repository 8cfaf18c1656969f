import type { Approval, Decision } from "@claws/contracts";
import { describeRisk } from "./approval-words.ts";
import { decideApproveButton } from "./approve-button.ts";
import { createElement, createVisibleText } from "./create-element.ts";
import { createFact } from "./create-fact.ts";
import { formatClock, formatTimeLeft } from "./time-left.ts";

/** What a card must know of the page around it. */
export interface Surroundings {
  readonly isLive: boolean;
  /** When the window last got the focus or cards last moved. */
  readonly movedAt: number;
  readonly operator: string;
}

export interface ApprovalCard {
  readonly element: HTMLElement;
  readonly expiresAt: number;
  /** Shows the approval as it is now. */
  update(approval: Approval): void;
  /** Brings countdown and buttons up to date. */
  tick(surroundings: Surroundings): void;
}

/** One waiting call: what would run, why it was held, and two ways to end it. */
export function createApprovalCard(
  first: Approval,
  decide: (decision: Decision) => Promise<void>,
  now: () => number,
): ApprovalCard {
  let approval = first;
  let armedAt: number | undefined;
  let isSending = false;
  let surroundings: Surroundings | undefined;
  const appearedAt = now();

  const risk = createElement("p", { className: "risk" });
  const timeLeft = createElement("span");
  const votes = createElement("dd");
  const approve = createElement("button", { text: "Approve" });
  const startDeny = createElement("button", { text: "Deny" });
  const reason = createElement("input");
  const deny = createElement("button", { text: "Deny this call" });
  const keep = createElement("button", { text: "Back" });
  const refusal = createElement("p", { className: "banner trouble" });
  const denial = createElement("div", { className: "actions" }, [reason, deny, keep]);
  const choice = createElement("div", { className: "actions" }, [approve, startDeny]);
  for (const button of [approve, startDeny, deny, keep]) button.type = "button";
  reason.maxLength = 500;
  reason.placeholder = "Reason, which the agent will read (optional)";
  reason.setAttribute("aria-label", "Reason for denying, optional");
  refusal.setAttribute("role", "alert");
  denial.hidden = true;
  refusal.hidden = true;

  const { call, digest, rule, expiresAt } = approval;
  const title = createVisibleText("h3", call.tool);
  title.id = `tool-${approval.id}`;
  const element = createElement("article", { className: "card" }, [
    title,
    risk,
    createVisibleText("pre", JSON.stringify(call.arguments, null, 2)),
    createElement("dl", {}, [
      ...createFact("Agent", createVisibleText("dd", call.agent)),
      ...createFact("Server", createVisibleText("dd", `${call.server} (${call.imageDigest.slice(0, 19)})`)),
      ...createFact("Held by", createVisibleText("dd", rule)),
      ...createFact(
        "Expires",
        createElement("dd", {}, [timeLeft, document.createTextNode(` (${formatClock(expiresAt)})`)]),
      ),
      ...createFact("Approved by", votes),
      ...createFact("Digest", createElement("dd", {}, [createDigest(digest)])),
    ]),
    choice,
    denial,
    refusal,
  ]);
  element.setAttribute("aria-labelledby", title.id);

  const send = async (decision: "approve" | "deny") => {
    const words = reason.value.trim();
    isSending = true;
    armedAt = undefined;
    refusal.hidden = true;
    refresh();
    try {
      await decide({ decision, digest, ...(decision === "deny" && words !== "" ? { reason: words } : {}) });
    } catch (error) {
      refusal.textContent = error instanceof Error ? error.message : "the decision was not taken";
      refusal.hidden = false;
    } finally {
      isSending = false;
      refresh();
    }
  };
  const readButton = () =>
    surroundings === undefined
      ? { isEnabled: false, isArmed: false, label: "Approve" }
      : decideApproveButton({
          approval,
          now: now(),
          settledAt: Math.max(appearedAt, surroundings.movedAt),
          armedAt,
          isLive: surroundings.isLive,
          isSending,
          operator: surroundings.operator,
        });
  const refresh = () => {
    const button = readButton();
    approve.disabled = !button.isEnabled;
    approve.dataset["armed"] = String(button.isArmed);
    if (approve.textContent !== button.label) approve.textContent = button.label;
    deny.disabled = isSending;
    timeLeft.textContent = formatTimeLeft(expiresAt - now());
  };

  approve.addEventListener("click", () => {
    // Decided again at the moment of the click: the page may have changed since it was drawn.
    const button = readButton();
    if (!button.isEnabled) return refresh();
    if (button.isArmed) return void send("approve");
    armedAt = now();
    refresh();
  });
  // Enter is what hands press out of habit; space and the pointer are deliberate.
  approve.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  const showDenial = (isShown: boolean) => {
    denial.hidden = !isShown;
    choice.hidden = isShown;
    (isShown ? reason : startDeny).focus();
  };
  startDeny.addEventListener("click", () => showDenial(true));
  keep.addEventListener("click", () => showDenial(false));
  deny.addEventListener("click", () => void send("deny"));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    armedAt = undefined;
    if (!denial.hidden) showDenial(false);
    refresh();
  });

  const update = (next: Approval) => {
    approval = next;
    risk.textContent = describeRisk(next);
    const missing = next.approvalsNeeded - next.approvedBy.length;
    votes.textContent = [...next.approvedBy, `${missing} more needed`].join(", ");
    refresh();
  };
  update(first);
  return {
    element,
    expiresAt,
    update,
    tick(next) {
      surroundings = next;
      refresh();
    },
  };
}

function createDigest(digest: string): HTMLElement {
  const code = createElement("code", { text: `${digest.slice(0, 8)}…${digest.slice(-8)}` });
  code.title = digest;
  return code;
}
