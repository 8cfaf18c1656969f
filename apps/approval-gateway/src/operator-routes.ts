import { Decision, RecordId } from "@claws/contracts";
import { allowPeers, ProblemError, readBody } from "@claws/service-kit";
import express, { type Express, type RequestHandler } from "express";
import * as z from "zod";
import type { ApprovalDesk } from "./approval-desk.ts";
import type { ChangeFeed } from "./change-feed.ts";
import { addQuestionRoutes } from "./egress-questions/operator-routes.ts";
import type { QuestionDesk } from "./egress-questions/question-desk.ts";
import { streamEvents } from "./event-stream.ts";
import { setOperatorHeaders } from "./operator-headers.ts";
import { operatorOf } from "./operator-of.ts";
import type { Changes } from "./reading-scripts.ts";
import { SERVICE } from "./refusals.ts";

export interface OperatorRouteDependencies {
  readonly desk: ApprovalDesk;
  readonly questions: QuestionDesk;
  readonly feed: ChangeFeed;
  readonly readChanges: (after: string) => Promise<Changes>;
  readonly consoleDirectory: string;
  readonly isSingleOperator: boolean;
}

const ApprovalAddress = z.object({ id: RecordId });
const ListQuery = z.object({ state: z.enum(["open", "all"]).default("open") });

/** What people use, through front-door, which knows who they are. */
export function addOperatorRoutes(app: Express, dependencies: OperatorRouteDependencies): void {
  const { desk, questions, feed, readChanges, consoleDirectory, isSingleOperator } = dependencies;
  app.use(setOperatorHeaders);
  app.use(allowPeers(SERVICE, ["front-door"]));
  app.use(refuseOtherSites);
  app.use(express.json({ limit: "16kb" }));

  app.get("/api/operator", (request, response) => {
    response.json({ operator: operatorOf(request), singleOperator: isSingleOperator });
  });
  app.get("/api/approvals", async (request, response) => {
    operatorOf(request);
    const { state } = readBody(ListQuery, request.query, SERVICE);
    response.json({ approvals: await desk.list(state) });
  });
  app.get("/api/approvals/:id", async (request, response) => {
    operatorOf(request);
    const { id } = readBody(ApprovalAddress, request.params, SERVICE);
    response.json(await desk.read(id));
  });
  app.post("/api/approvals/:id/decision", async (request, response) => {
    const operator = operatorOf(request);
    const { id } = readBody(ApprovalAddress, request.params, SERVICE);
    response.json(await desk.decide(id, readBody(Decision, request.body, SERVICE), operator));
  });
  addQuestionRoutes(app, questions);
  app.get("/api/events", async (request, response) => {
    operatorOf(request);
    await streamEvents(request, response, feed, readChanges);
  });
  app.use(express.static(consoleDirectory, { dotfiles: "ignore", etag: false, cacheControl: false }));
}

/** Behind front-door's own check: a browser says where a request comes from (Fetch Metadata). */
const refuseOtherSites: RequestHandler = (request, _response, next) => {
  const site = request.header("sec-fetch-site");
  const isOurs = site === undefined || site === "same-origin" || site === "none";
  if (isOurs || request.method === "GET" || request.method === "HEAD") return next();
  throw ProblemError.of("cross_site", { service: SERVICE, detail: "decide in the console itself" });
};
