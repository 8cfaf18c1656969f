import { EgressQuestionRequest, RecordId } from "@claws/contracts";
import { allowPeers, readBody } from "@claws/service-kit";
import express, { type Express } from "express";
import * as z from "zod";
import type { ChangeFeed } from "../change-feed.ts";
import { SERVICE } from "../refusals.ts";
import { waitForDecision } from "../wait-for-decision.ts";
import type { QuestionDesk } from "./question-desk.ts";

export interface FilterRouteDependencies {
  readonly questions: QuestionDesk;
  readonly feed: ChangeFeed;
}

const MAX_WAIT_MS = 25_000;

/**
 * The host is the agent's words, and a yes for good writes it into a rule: here it has no wildcard and nothing
 * else that a rule would read as more than one host.
 */
const Question = EgressQuestionRequest.extend({
  host: z
    .string()
    .regex(/^(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])$/, "must be a host in its canonical form"),
});
const Address = z.object({ id: RecordId });
const WaitQuery = z.object({ waitMs: z.coerce.number().int().min(0).max(MAX_WAIT_MS).default(0) });

/** Where egress-filter asks, and nobody else. */
export function addFilterRoutes(app: Express, { questions, feed }: FilterRouteDependencies): void {
  const router = express.Router();
  router.use(allowPeers(SERVICE, ["egress-filter"]));
  router.use(express.json({ limit: "16kb" }));

  router.post("/questions", async (request, response) => {
    const { question, isNew } = await questions.ask(readBody(Question, request.body, SERVICE));
    response.status(isNew ? 201 : 200).json(question);
  });

  router.get("/questions/:id", async (request, response) => {
    const { id } = readBody(Address, request.params, SERVICE);
    const { waitMs } = readBody(WaitQuery, request.query, SERVICE);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const read = () => questions.read(id);
    response.json(await waitForDecision(read, feed, { id, waitMs, signal: gone.signal }));
  });

  router.get("/grants", async (_request, response) => {
    response.json({ grants: await questions.listGrants() });
  });

  app.use("/v1/egress", router);
}
