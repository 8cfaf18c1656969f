import type { EgressAnswer, EgressQuestion } from "@claws/contracts";
import { decideAnswerButtons } from "./answer-buttons.ts";
import type { Surroundings } from "./approval-card.ts";
import { createElement, createVisibleText } from "./create-element.ts";
import { createFact } from "./create-fact.ts";
import { describeCaller, describeDestination, describeMethod } from "./question-words.ts";
import { formatTimeLeft } from "./time-left.ts";

export interface QuestionCard {
  readonly element: HTMLElement;
  readonly expiresAt: number;
  /** Brings countdown and buttons up to date. */
  tick(surroundings: Surroundings): void;
}

/** One destination that waits: who asks, where to, and four ways to answer. What it shows never changes. */
export function createQuestionCard(
  question: EgressQuestion,
  answer: (answer: EgressAnswer) => Promise<void>,
  now: () => number,
): QuestionCard {
  let armedAt: number | undefined;
  let isSending = false;
  let surroundings: Surroundings | undefined;
  const appearedAt = now();
  const { expiresAt } = question;

  const timeLeft = createElement("dd");
  const why = createElement("p", { className: "quiet" });
  const refusal = createElement("p", { className: "banner trouble" });
  refusal.setAttribute("role", "alert");
  refusal.hidden = true;
  const once = createElement("button", { text: "Allow once" });
  const session = createElement("button", { text: "Allow this session" });
  const always = createElement("button", { text: "Allow for good" });
  const deny = createElement("button", { text: "Deny" });
  const buttons = [once, session, always, deny];

  const title = createVisibleText("h3", describeDestination(question));
  title.id = `destination-${question.id}`;
  const element = createElement("article", { className: "card" }, [
    title,
    createElement("dl", {}, [
      ...createFact("Asked by", createVisibleText("dd", describeCaller(question))),
      ...createFact("Session", createVisibleText("dd", question.caller.session)),
      ...createFact("Method", createVisibleText("dd", describeMethod(question))),
      ...createFact("Rule", createVisibleText("dd", question.rule)),
      ...createFact("Time", timeLeft),
    ]),
    createElement("div", { className: "actions" }, buttons),
    why,
    refusal,
  ]);
  element.setAttribute("aria-labelledby", title.id);
  for (const button of buttons) {
    button.type = "button";
    // A list of buttons read aloud without its cards still says what each is about.
    button.setAttribute("aria-describedby", title.id);
  }

  const read = () =>
    decideAnswerButtons({
      question,
      now: now(),
      settledAt: Math.max(appearedAt, surroundings?.movedAt ?? appearedAt),
      armedAt,
      isLive: surroundings?.isLive ?? false,
      isSending,
    });
  const refresh = () => {
    const state = read();
    once.disabled = session.disabled = !state.canAllow;
    always.disabled = !state.canAllowForGood;
    always.dataset["armed"] = String(state.isArmed);
    if (always.textContent !== state.forGoodLabel) always.textContent = state.forGoodLabel;
    deny.disabled = isSending || now() >= expiresAt;
    timeLeft.textContent = formatTimeLeft(expiresAt - now());
    if (why.textContent !== state.why) why.textContent = state.why;
  };
  const send = async (given: EgressAnswer) => {
    isSending = true;
    armedAt = undefined;
    refusal.hidden = true;
    refresh();
    try {
      await answer(given);
    } catch (error) {
      refusal.textContent = error instanceof Error ? error.message : "the answer was not taken";
      refusal.hidden = false;
    } finally {
      isSending = false;
      refresh();
    }
  };

  // Decided again at the moment of the click: the page may have changed since it was drawn.
  const allow = (given: EgressAnswer) => {
    if (read().canAllow) void send(given);
    else refresh();
  };
  once.addEventListener("click", () => allow("once"));
  session.addEventListener("click", () => allow("session"));
  always.addEventListener("click", () => {
    const state = read();
    if (!state.canAllowForGood) return refresh();
    if (state.isArmed) return void send("always");
    armedAt = now();
    refresh();
  });
  deny.addEventListener("click", () => {
    if (!isSending) void send("deny");
  });
  // Enter is what hands press out of habit; space and the pointer are deliberate.
  for (const button of [once, session, always]) {
    button.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    armedAt = undefined;
    refresh();
  });
  refresh();

  return {
    element,
    expiresAt,
    tick(next) {
      surroundings = next;
      refresh();
    },
  };
}
