import type { EgressReturn } from "@claws/contracts";
import type { Clock } from "./clock.ts";
import type { Limiter } from "./limiter.ts";

/** rate-limiter remembers ids for ten minutes; a return that is sent later could count twice. */
const RETRY_FOR_MS = 5 * 60_000;
const MAX_WAITING = 10_000;

/** Gives back what was not used, and again under the same id while the limiter is away. What is given up stays counted. */
export interface Returns {
  send(back: EgressReturn): Promise<void>;
  /** Sends what has had no answer yet, until one has none again. */
  retry(): Promise<void>;
}

export function createReturns(limiter: Limiter, clock: Clock): Returns {
  const waiting = new Map<string, { readonly back: EgressReturn; readonly since: number }>();
  let isRetrying = false;

  return {
    async send(back) {
      if (await limiter.giveBack(back)) return;
      if (waiting.size < MAX_WAITING) waiting.set(back.id, { back, since: clock.now() });
    },

    async retry() {
      if (isRetrying) return;
      isRetrying = true;
      for (const [id, { back, since }] of waiting) {
        const isLate = clock.now() - since > RETRY_FOR_MS;
        if (!isLate && !(await limiter.giveBack(back))) break;
        waiting.delete(id);
      }
      isRetrying = false;
    },
  };
}
