import type { Redis } from "ioredis";
import { admitScript } from "./admit-script.ts";
import { LIMIT_KEYS } from "./limit-keys.ts";
import type { ReservationStore } from "./routes.ts";
import { settleScript } from "./settle-script.ts";
import { spendScript } from "./spend-script.ts";

/** Counters and reservations in Redis; every method is one script, so replicas of us may share them. */
export function createReservationStore(redis: Redis, { windowMs = 60_000 } = {}): ReservationStore {
  return {
    async admit(request, { rates, session, day }) {
      const { id, agent, kind, subject, estimateMicroUsd, leaseMs } = request;
      const fingerprint = JSON.stringify([agent, request.session, kind, subject, estimateMicroUsd]);
      const reply = await admitScript.run(
        redis,
        [
          LIMIT_KEYS.reservation(id),
          LIMIT_KEYS.leases,
          LIMIT_KEYS.session(agent, request.session),
          ...rates.map(({ counter }) => LIMIT_KEYS.rate(counter)),
        ],
        [
          id,
          fingerprint,
          estimateMicroUsd,
          leaseMs,
          windowMs,
          session.key,
          session.limit,
          day.key,
          day.limit,
          ...rates.flatMap(({ scope, key, limit }) => [scope, key, limit]),
        ],
      );
      switch (reply.outcome) {
        case "conflict":
          return undefined;
        case "admitted":
          return { outcome: "admitted", id, leaseUntil: reply.leaseUntil };
        case "refused": {
          const isRate = reply.scope === "agent" || reply.scope === "tool";
          return { ...reply, code: isRate ? "rate_limited" : "budget_exceeded" };
        }
      }
    },

    async settle(id, settlement) {
      const actual = settlement.outcome === "commit" ? settlement.actualMicroUsd : 0;
      const state = await settleScript.run(
        redis,
        [LIMIT_KEYS.reservation(id), LIMIT_KEYS.leases],
        [id, settlement.outcome, actual],
      );
      return state === "unknown" ? undefined : { state };
    },

    readSpend: (agent, session) =>
      spendScript.run(redis, [LIMIT_KEYS.session(agent, session), LIMIT_KEYS.leases], []),
  };
}
