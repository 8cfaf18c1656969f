import {
  type Admission,
  AdmissionRequest,
  AgentId,
  RecordId,
  SessionId,
  Settlement,
  type SettlementResult,
  type SpendReport,
} from "@claws/contracts";
import { allowPeers, type Logger, ProblemError, readBody } from "@claws/service-kit";
import express, { type Express } from "express";
import * as z from "zod";
import { type AdmissionLimits, decideLimits } from "./decide-limits.ts";
import type { LivePolicy } from "./live-policy.ts";

const SERVICE = "rate-limiter";

/** Where admissions are counted. Each method is one atomic step. */
export interface ReservationStore {
  /** Undefined when the id already belongs to another request. */
  admit(request: AdmissionRequest, limits: AdmissionLimits): Promise<Admission | undefined>;
  /** Undefined when there is no such reservation. */
  settle(id: string, settlement: Settlement): Promise<SettlementResult | undefined>;
  readSpend(agent: AgentId, session: SessionId): Promise<{ committed: number; reserved: number }>;
}

export interface RouteDependencies {
  readonly policy: Pick<LivePolicy, "current">;
  readonly store: ReservationStore;
  readonly logger: Logger;
}

const SpendAddress = z.object({ agent: AgentId, session: SessionId });
const ReservationAddress = z.object({ id: RecordId });

export function addRoutes(app: Express, { policy, store, logger }: RouteDependencies): void {
  app.use(allowPeers(SERVICE, ["broker", "model-gateway"]));
  app.use(express.json({ limit: "16kb" }));

  app.post("/v1/admissions", async (request, response) => {
    const asked = readBody(AdmissionRequest, request.body, SERVICE);
    const admission = await store.admit(asked, decideLimits(policy.current(), asked));
    if (admission === undefined) {
      throw ProblemError.of("request_invalid", {
        service: SERVICE,
        detail: `id ${asked.id} belongs to another admission: use a new one`,
      });
    }
    if (admission.outcome === "refused") {
      const { scope, key, limit, used } = admission;
      logger.info({ agent: asked.agent, subject: asked.subject, scope, rule: key, limit, used }, "refused");
    }
    response.json(admission);
  });

  app.post("/v1/admissions/:id/settlement", async (request, response) => {
    const { id } = readBody(ReservationAddress, request.params, SERVICE);
    const settlement = readBody(Settlement, request.body, SERVICE);
    const result = await store.settle(id, settlement);
    if (result === undefined) {
      throw ProblemError.of("not_found", {
        service: SERVICE,
        detail: `there is no reservation ${id}: it was never admitted, or its record has expired`,
      });
    }
    if (result.state === "late") logger.warn({ id, outcome: settlement.outcome }, "settled after the lease");
    response.json(result);
  });

  app.get("/v1/spend/:agent/:session", async (request, response) => {
    const { agent, session } = readBody(SpendAddress, request.params, SERVICE);
    const { committed, reserved } = await store.readSpend(agent, session);
    response.json({
      agent,
      session,
      committedMicroUsd: committed,
      reservedMicroUsd: reserved,
      limitMicroUsd: policy.current().limits.costPerSessionMicroUsd,
    } satisfies z.input<typeof SpendReport>);
  });
}
