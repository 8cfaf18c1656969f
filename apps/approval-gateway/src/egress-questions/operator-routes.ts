import { EgressAnswer, RecordId } from "@claws/contracts";
import { readBody } from "@claws/service-kit";
import type { Express } from "express";
import * as z from "zod";
import { operatorOf } from "../operator-of.ts";
import { SERVICE } from "../refusals.ts";
import type { QuestionDesk } from "./question-desk.ts";

const Address = z.object({ id: RecordId });
const ListQuery = z.object({ state: z.enum(["open", "all"]).default("open") });
/** With what was on the screen, so that nobody answers another question than the one they read. */
const GivenAnswer = z.strictObject({
  answer: EgressAnswer,
  host: z.string().min(1).max(260),
  port: z.int().min(1).max(65_535),
});
const Forgotten = z.strictObject({ allow: z.string().max(300), caller: z.string().max(64) });

/** Where people answer; added behind what guards the operators' listener. */
export function addQuestionRoutes(app: Express, questions: QuestionDesk): void {
  app.get("/api/egress/questions", async (request, response) => {
    operatorOf(request);
    const { state } = readBody(ListQuery, request.query, SERVICE);
    response.json({ questions: await questions.list(state) });
  });
  app.post("/api/egress/questions/:id/answer", async (request, response) => {
    const operator = operatorOf(request);
    const { id } = readBody(Address, request.params, SERVICE);
    response.json(await questions.answer(id, readBody(GivenAnswer, request.body, SERVICE), operator));
  });
  app.get("/api/egress/overlay", async (request, response) => {
    operatorOf(request);
    response.json(await questions.readOverlay());
  });
  app.post("/api/egress/overlay/remove", async (request, response) => {
    const operator = operatorOf(request);
    response.json(await questions.forget(readBody(Forgotten, request.body, SERVICE), operator));
  });
}
