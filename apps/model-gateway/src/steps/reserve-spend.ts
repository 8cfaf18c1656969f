import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { AgentIdentity } from "@claws/agent-token";
import { Admission, type MicroUsd, type Settlement, SettlementResult } from "@claws/contracts";
import { type Logger, ProblemError, type ServiceClient } from "@claws/service-kit";
import { refuse } from "./refuse.ts";

export interface Reservation {
  readonly id: string;
  readonly estimateMicroUsd: MicroUsd;
  /** Ends it. False when rate-limiter did not take the settlement; the lease then ends it. */
  settle(settlement: Settlement): Promise<boolean>;
}

export interface SpendToReserve {
  readonly identity: AgentIdentity;
  readonly model: string;
  readonly estimateMicroUsd: MicroUsd;
}

export type SpendReserver = (spend: SpendToReserve) => Promise<Reservation>;

const SETTLEMENT_ATTEMPTS = 3;
const RETRY_AFTER_MS = 200;

/** Counts the call and reserves its estimate in rate-limiter, all or nothing. */
export function createSpendReserver(limiter: ServiceClient, leaseMs: number, logger: Logger): SpendReserver {
  async function settle(id: string, settlement: Settlement): Promise<boolean> {
    for (let attempt = 1; attempt <= SETTLEMENT_ATTEMPTS; attempt++) {
      const path = `/v1/admissions/${id}/settlement`;
      const answer = await limiter.call(SettlementResult, { method: "POST", path, body: settlement });
      if (answer.ok) return true;
      if (attempt === SETTLEMENT_ATTEMPTS || answer.problem.code !== "service_unavailable") {
        logger.error({ id, settlement, problem: answer.problem.detail }, "reservation not settled");
        return false;
      }
      await wait(RETRY_AFTER_MS);
    }
    return false;
  }

  return async function reserveSpend({ identity, model, estimateMicroUsd }) {
    const id = randomUUID();
    const answer = await limiter.call(Admission, {
      method: "POST",
      path: "/v1/admissions",
      body: { id, ...identity, kind: "model", subject: model, estimateMicroUsd, leaseMs },
    });
    if (!answer.ok) throw new ProblemError(answer.problem);
    const admission = answer.value;
    if (admission.outcome === "refused") {
      const { code, scope, key, limit, used, retryAfterMs } = admission;
      const cure = retryAfterMs === null ? `raise ${key} in the profile` : `try again later or raise ${key}`;
      throw refuse(
        code,
        `the ${scope}'s limit is ${limit}, ${used} is used, and this call could need ${code === "budget_exceeded" ? `${estimateMicroUsd} micro-USD` : "one more"}: ${cure}`,
        { key, retryAfterMs: retryAfterMs ?? undefined },
      );
    }
    return { id, estimateMicroUsd, settle: (settlement) => settle(id, settlement) };
  };
}
