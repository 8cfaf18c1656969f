import type { Approval, EgressQuestion } from "@claws/contracts";
import { type ApprovalCard, createApprovalCard } from "./approval-card.ts";
import { findElement } from "./create-element.ts";
import { createDestinations } from "./destinations.ts";
import { gateway, GatewayError, readGatewayTime } from "./gateway-client.ts";
import { createHistory } from "./history-list.ts";
import { followEvents, type Liveness } from "./live-events.ts";
import { formatClock } from "./time-left.ts";
import { toVisibleString } from "@claws/visible-text";

const TICK_MS = 200;
const LOGS_PORT = "8081";

/** Wires the page: the list follows the gateway's events, and nothing can be approved while it may be old. */
export function startConsole(): void {
  const [waiting, history, nothing] = [
    findElement("waiting"),
    findElement("history"),
    findElement("nothing"),
  ];
  const [live, trouble, announcements] = [
    findElement("live"),
    findElement("trouble"),
    findElement("announcements"),
  ];
  const cards = new Map<string, ApprovalCard>();
  let liveness: Liveness = { state: "reconnecting", since: Date.now() };
  let operator = "";
  let movedAt = readGatewayTime();
  let losses = 0;
  let reading: Promise<boolean> | undefined;
  let isReadAgain = false;
  const destinations = createDestinations(async (question, answer) => {
    try {
      await gateway.answer(question, answer);
    } finally {
      await readLists();
    }
  }, readGatewayTime);

  const setLiveness = (state: Liveness["state"]) => {
    if (liveness.state !== state) liveness = { state, since: Date.now() };
    live.dataset["state"] = state;
    live.textContent =
      state === "live" ? "live" : `${state}: as of ${formatClock(liveness.since)}, approving is off`;
    tick();
  };
  const setTrouble = (text: string | undefined) => {
    trouble.hidden = text === undefined;
    trouble.textContent = text ?? "";
  };
  const tick = () => {
    const surroundings = { isLive: liveness.state === "live", movedAt, operator };
    for (const card of cards.values()) card.tick(surroundings);
    destinations.tick(surroundings);
  };

  function show(approvals: readonly Approval[], questions: readonly EgressQuestion[]): void {
    const now = readGatewayTime();
    const pending = approvals
      .filter(({ state, expiresAt }) => state === "pending" && expiresAt > now)
      .toReversed();
    const ids = new Set(pending.map(({ id }) => id));
    for (const [id, card] of cards) {
      if (ids.has(id)) continue;
      card.element.remove();
      cards.delete(id);
      // What is below moves up, under a pointer that may be about to click.
      movedAt = now;
    }
    const asked = destinations.show(questions);
    // The destinations stand above: what is below them moves with them.
    if (asked.moved) movedAt = now;
    const arrived: string[] = [...asked.arrived];
    for (const approval of pending) {
      const known = cards.get(approval.id);
      if (known !== undefined) {
        known.update(approval);
        continue;
      }
      const card = createApprovalCard(
        approval,
        async (decision) => {
          try {
            await gateway.decide(approval.id, decision);
          } finally {
            await readLists();
          }
        },
        readGatewayTime,
      );
      cards.set(approval.id, card);
      // Oldest first: what arrives is added below and pushes nothing.
      waiting.append(card.element);
      arrived.push(toVisibleString(approval.call.tool));
    }
    history.replaceChildren(...createHistory(approvals));
    findElement("no-history").hidden = history.childElementCount > 0;
    nothing.hidden = cards.size > 0;
    const count = cards.size + destinations.count();
    document.title = count === 0 ? "Approvals" : `(${count}) Approvals`;
    if (arrived.length > 0) announcements.textContent = `Waiting for you: ${arrived.join(", ")}`;
    tick();
  }

  /** Reads both lists; a call while one is under way ends with one more reading. False when it failed. */
  function readLists(): Promise<boolean> {
    if (reading !== undefined) {
      isReadAgain = true;
      return reading;
    }
    const read = async () => {
      try {
        do {
          isReadAgain = false;
          const [approvals, questions] = await Promise.all([gateway.list(), gateway.listQuestions()]);
          show(approvals, questions);
        } while (isReadAgain);
        setTrouble(undefined);
        return true;
      } catch (error) {
        lose("stale");
        setTrouble(describeTrouble(error));
        return false;
      } finally {
        reading = undefined;
      }
    };
    reading = read();
    return reading;
  }

  const lose = (state: "reconnecting" | "stale") => {
    losses += 1;
    setLiveness(state);
  };

  /** Live again only with a list that was read after the gateway said so, and no loss in between. */
  async function becomeLive(): Promise<void> {
    const before = losses;
    try {
      const who = await gateway.readOperator();
      operator = who.operator;
      findElement("mode").hidden = !who.singleOperator;
    } catch (error) {
      lose("stale");
      setTrouble(describeTrouble(error));
      return;
    }
    const isRead = await readLists();
    if (isRead && losses === before) setLiveness("live");
  }

  const logs = new URL("/", location.href);
  logs.port = LOGS_PORT;
  findElement("logs").setAttribute("href", logs.href);

  // The first click into a window is for the window, not for the button under it.
  window.addEventListener("focus", () => {
    movedAt = readGatewayTime();
    tick();
  });
  setInterval(() => {
    const now = readGatewayTime();
    tick();
    if (liveness.state === "live" && hasExpired(now)) void readLists();
  }, TICK_MS);
  const hasExpired = (now: number) =>
    destinations.hasExpired(now) || [...cards.values()].some((card) => card.expiresAt <= now);

  followEvents({
    onLive: () => void becomeLive(),
    onBeat: () => {
      if (liveness.state !== "live") void becomeLive();
    },
    onChange: () => void readLists(),
    onLost: lose,
  });
}

function describeTrouble(error: unknown): string {
  if (error instanceof GatewayError && error.code === "login_required") {
    return "You are logged out: reload the page to log in.";
  }
  return error instanceof Error ? error.message : String(error);
}
