import {
  type Approval,
  ApprovalOutcome,
  ApprovalRequest,
  type ApprovalStatus,
  CallDigest,
  ConsumeRequest,
  RecordId,
} from "@claws/contracts";
import { allowPeers, readBody } from "@claws/service-kit";
import express, { type Express } from "express";
import * as z from "zod";
import type { ApprovalDesk } from "./approval-desk.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { SERVICE } from "./refusals.ts";
import { waitForDecision } from "./wait-for-decision.ts";

export interface BrokerRouteDependencies {
  readonly desk: ApprovalDesk;
  readonly feed: ChangeFeed;
}

/** A call that nobody can read on a screen is one that nobody should approve. */
const MAX_REQUEST = "256kb";
const MAX_WAIT_MS = 50_000;

const ApprovalAddress = z.object({ id: RecordId });
const DigestAddress = z.object({ digest: CallDigest });
const WaitQuery = z.object({ waitMs: z.coerce.number().int().min(0).max(MAX_WAIT_MS).default(0) });

export function addBrokerRoutes(app: Express, { desk, feed }: BrokerRouteDependencies): void {
  app.use(allowPeers(SERVICE, ["broker"]));
  app.use(express.json({ limit: MAX_REQUEST }));

  app.post("/v1/approvals", async (request, response) => {
    const { approval, isNew } = await desk.request(readBody(ApprovalRequest, request.body, SERVICE));
    response.status(isNew ? 201 : 200).json(statusOf(approval));
  });

  app.get("/v1/approvals/open/:digest", async (request, response) => {
    const { digest } = readBody(DigestAddress, request.params, SERVICE);
    response.json(statusOf(await desk.findOpen(digest)));
  });

  app.get("/v1/approvals/:id", async (request, response) => {
    const { id } = readBody(ApprovalAddress, request.params, SERVICE);
    const { waitMs } = readBody(WaitQuery, request.query, SERVICE);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const read = () => desk.read(id);
    response.json(statusOf(await waitForDecision(read, feed, { id, waitMs, signal: gone.signal })));
  });

  app.post("/v1/approvals/:id/consume", async (request, response) => {
    const { id } = readBody(ApprovalAddress, request.params, SERVICE);
    response.json(await desk.consume(id, readBody(ConsumeRequest, request.body, SERVICE)));
  });

  app.post("/v1/approvals/:id/outcome", async (request, response) => {
    const { id } = readBody(ApprovalAddress, request.params, SERVICE);
    response.json(statusOf(await desk.settle(id, readBody(ApprovalOutcome, request.body, SERVICE))));
  });
}

/** What may travel towards the agent: no names of operators, no arguments. */
function statusOf({ id, state, digest, expiresAt, reservation, reason }: Approval): ApprovalStatus {
  return { id, state, digest, expiresAt, reservation, ...(reason === undefined ? {} : { reason }) };
}
