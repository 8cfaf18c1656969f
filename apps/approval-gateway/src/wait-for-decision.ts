import type { Approval } from "@claws/contracts";
import type { ChangeFeed } from "./change-feed.ts";

const RECHECK_MS = 1_000;

export interface Wait {
  readonly id: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Gives the approval as soon as it is no longer pending, or as it stands after `waitMs` or when the feed
 * closes. Wakes by the feed, and looks again every second in case the feed missed something.
 */
export async function waitForDecision(
  read: () => Promise<Approval>,
  feed: ChangeFeed,
  { id, waitMs, signal }: Wait,
): Promise<Approval> {
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
      const approval = await read();
      const remaining = deadline - performance.now();
      if (approval.state !== "pending" || remaining <= 0 || isOver || signal.aborted) return approval;
      const timer = setTimeout(resolve, Math.min(RECHECK_MS, remaining));
      await woken;
      clearTimeout(timer);
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", endWait);
  }
}
