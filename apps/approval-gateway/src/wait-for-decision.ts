import type { ApprovalState, EgressQuestion } from "@claws/contracts";
import type { ChangeFeed } from "./change-feed.ts";

const RECHECK_MS = 1_000;

export interface Wait {
  readonly id: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** What waits for a person: a call, or a question about a destination. */
interface Undecided {
  readonly state: ApprovalState | EgressQuestion["state"];
}

/**
 * Gives what waits as soon as it is no longer pending or open, or as it stands after `waitMs` or when the feed
 * closes. Wakes by the feed, and looks again every second in case the feed missed something.
 */
export async function waitForDecision<Held extends Undecided>(
  read: () => Promise<Held>,
  feed: ChangeFeed,
  { id, waitMs, signal }: Wait,
): Promise<Held> {
  const deadline = performance.now() + waitMs;
  let wake = () => {};
  let isOver = false;
  const endWait = () => {
    isOver = true;
    wake();
  };
  const unsubscribe = feed.subscribe({
    changed: (change) => {
      if (change.id === id) wake();
    },
    closed: endWait,
  });
  signal.addEventListener("abort", endWait);
  try {
    for (;;) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const held = await read();
      const isDecided = held.state !== "pending" && held.state !== "open";
      const remaining = deadline - performance.now();
      if (isDecided || remaining <= 0 || isOver || signal.aborted) return held;
      const timer = setTimeout(resolve, Math.min(RECHECK_MS, remaining));
      await woken;
      clearTimeout(timer);
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", endWait);
  }
}
