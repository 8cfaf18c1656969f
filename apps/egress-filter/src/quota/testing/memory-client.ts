import { createProblem } from "@claws/contracts";
import type { Answer, ServiceClient } from "@claws/service-kit";
import { type ByteLimits, createMemoryLimiter } from "./memory-limiter.ts";

export const PLENTY: ByteLimits = {
  requests: 1_000_000,
  upPerSession: 1_000_000_000,
  upPerHost: 1_000_000_000,
  downPerSession: 1_000_000_000,
  downPerHost: 1_000_000_000,
};

/** A client whose answers come when `gate` lets them; the limiter counts before, as over a real wire. */
export function createTestClient(limits: ByteLimits, gate: () => Promise<unknown> = () => Promise.resolve()) {
  const limiter = createMemoryLimiter(limits);
  const state = { isAway: false, losesAnswers: false };
  const client: ServiceClient = {
    async call(schema, { path, body }) {
      const away: Answer<never> = {
        ok: false,
        problem: createProblem("service_unavailable", { service: "rate-limiter", detail: "away" }),
      };
      if (state.isAway) {
        await gate();
        return away;
      }
      const { losesAnswers } = state;
      const answer = limiter.answer(path, structuredClone(body));
      await gate();
      return losesAnswers ? away : { ok: true, value: schema.parse(answer) };
    },
    isReachable: async () => true,
    close: async () => {},
  };
  return { client, state, limiter };
}
