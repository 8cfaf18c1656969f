import type { EgressAnswer, EgressQuestion } from "@claws/contracts";
import { toVisibleString } from "@claws/visible-text";
import type { Surroundings } from "./approval-card.ts";
import { createElement, createVisibleText, findElement } from "./create-element.ts";
import { createQuestionCard, type QuestionCard } from "./question-card.ts";
import { describeAnswer, describeCaller, describeDestination } from "./question-words.ts";
import { formatClock } from "./time-left.ts";

const SHOWN_ANSWERED = 10;

/** The section of the page in which agents and MCP servers ask for destinations. */
export interface Destinations {
  /** Shows the questions as they are now; gives the destinations that are new, in words. */
  show(questions: readonly EgressQuestion[]): {
    readonly arrived: readonly string[];
    readonly moved: boolean;
  };
  tick(surroundings: Surroundings): void;
  count(): number;
  hasExpired(now: number): boolean;
}

export function createDestinations(
  answer: (question: EgressQuestion, answer: EgressAnswer) => Promise<void>,
  now: () => number,
): Destinations {
  const [list, none, answered] = [
    findElement("destinations"),
    findElement("no-destinations"),
    findElement("answered"),
  ];
  const cards = new Map<string, QuestionCard>();

  return {
    show(questions) {
      const open = questions
        .filter(({ state, expiresAt }) => state === "open" && expiresAt > now())
        .toReversed();
      const ids = new Set(open.map(({ id }) => id));
      let moved = false;
      for (const [id, card] of cards) {
        if (ids.has(id)) continue;
        card.element.remove();
        cards.delete(id);
        moved = true;
      }
      const arrived: string[] = [];
      for (const question of open) {
        if (cards.has(question.id)) continue;
        const card = createQuestionCard(question, (given) => answer(question, given), now);
        cards.set(question.id, card);
        // Oldest first; what comes below in the page moves down.
        list.append(card.element);
        arrived.push(toVisibleString(describeDestination(question)));
        moved = true;
      }
      const ended = questions.filter(({ state }) => state !== "open").slice(0, SHOWN_ANSWERED);
      answered.replaceChildren(...ended.map(createAnswered));
      none.hidden = cards.size > 0;
      return { arrived, moved };
    },
    tick(surroundings) {
      for (const card of cards.values()) card.tick(surroundings);
    },
    count: () => cards.size,
    hasExpired: (at) => [...cards.values()].some(({ expiresAt }) => expiresAt <= at),
  };
}

function createAnswered(question: EgressQuestion): HTMLElement {
  return createElement("li", {}, [
    createElement("span", { className: "quiet", text: formatClock(question.askedAt) }),
    createVisibleText("code", describeDestination(question)),
    createVisibleText("span", `${describeCaller(question)}: ${describeAnswer(question)}`),
  ]);
}
