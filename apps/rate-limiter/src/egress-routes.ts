import { EgressReturn, EgressTake } from "@claws/contracts";
import { allowPeers, type Logger, ProblemError, readBody } from "@claws/service-kit";
import express, { type Express } from "express";
import type { EgressLedger } from "./egress-ledger.ts";
import type { LivePolicy } from "./live-policy.ts";

const SERVICE = "rate-limiter";

export interface EgressRouteDependencies {
  readonly policy: Pick<LivePolicy, "current">;
  readonly ledger: EgressLedger;
  readonly logger: Logger;
}

/** For egress-filter alone: who may take could use up a caller's quotas, who may give back could refill them. */
export function addEgressRoutes(app: Express, { policy, ledger, logger }: EgressRouteDependencies): void {
  const router = express.Router();
  router.use(allowPeers(SERVICE, ["egress-filter"]));
  router.use(express.json({ limit: "16kb" }));

  router.post("/take", async (request, response) => {
    const asked = readBody(EgressTake, request.body, SERVICE);
    const grant = await ledger.take(asked, policy.current().egress.quotas);
    if (grant === undefined) throw belongsToAnother(asked.id, "take");
    for (const { key, limit } of grant.refused) {
      logger.info({ caller: asked.caller, host: asked.host, rule: key, limit }, "egress quota used up");
    }
    response.json(grant);
  });

  router.post("/return", async (request, response) => {
    const back = readBody(EgressReturn, request.body, SERVICE);
    if (!(await ledger.giveBack(back))) throw belongsToAnother(back.id, "return");
    response.json({});
  });

  app.use("/v1/egress", router);
}

function belongsToAnother(id: string, what: string): ProblemError {
  const detail = `id ${id} belongs to another ${what}: use a new one`;
  return ProblemError.of("request_invalid", { service: SERVICE, detail });
}
