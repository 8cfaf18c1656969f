import { EgressGrant, type EgressReturn, type EgressTake } from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import * as z from "zod";

/** rate-limiter as the leases see it. */
export interface Limiter {
  /** Undefined when there was no answer: the same take may be sent again, and counts once. */
  take(asked: EgressTake): Promise<EgressGrant | undefined>;
  /** False when there was no answer. */
  giveBack(back: EgressReturn): Promise<boolean>;
}

/** One attempt; whoever waits asks again until its patience ends. */
const ATTEMPT_MS = 1_000;
/** Calls at once: the start of many accounts must not open as many connections. */
const MAX_CALLS = 16;

export function createLimiter(client: ServiceClient, report: (problem: string | undefined) => void): Limiter {
  let free = MAX_CALLS;
  const queue: (() => void)[] = [];

  async function ask<Shape extends z.ZodType>(
    schema: Shape,
    path: string,
    body: unknown,
  ): Promise<z.infer<Shape> | undefined> {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      const answer = await client.call(schema, { method: "POST", path, body, timeoutMs: ATTEMPT_MS });
      report(answer.ok ? undefined : answer.problem.detail);
      return answer.ok ? answer.value : undefined;
    } finally {
      const next = queue.shift();
      if (next) next();
      else free++;
    }
  }

  return {
    take: (asked) => ask(EgressGrant, "/v1/egress/take", asked),
    giveBack: async (back) => (await ask(z.strictObject({}), "/v1/egress/return", back)) !== undefined,
  };
}
