import { allowPeers, ProblemError, readBody } from "@claws/service-kit";
import express, { type Express } from "express";
import * as z from "zod";
import type { Verifier } from "./verifier.ts";

const RunBody = z.strictObject({ decoyPort: z.int().min(1).max(65_535).optional() });

/** What the other doors ask, and what broker's own command asks for. */
export function addControlRoutes(
  app: Express,
  { state, report, verify }: Pick<Verifier, "report" | "state" | "verify">,
): void {
  const doors = allowPeers("broker", ["egress-filter", "model-gateway", "broker"]);
  app.get("/v1/verification", doors, (_request, response) => void response.json(state()));
  app.get("/v1/verification/report", doors, (_request, response) => {
    const last = report();
    if (last !== undefined) return void response.json(last);
    const detail = "no run has ended yet: ask again in a second";
    throw ProblemError.of("not_found", { service: "broker", detail, retryAfterMs: 1_000 });
  });
  app.post(
    "/v1/verification/runs",
    allowPeers("broker", ["broker"]),
    express.json({ limit: "1kb" }),
    async (request, response) => {
      response.json(await verify(readBody(RunBody, request.body ?? {}, "broker")));
    },
  );
}
