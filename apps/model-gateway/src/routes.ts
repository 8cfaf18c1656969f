import { type CompiledPolicy, SpendReport } from "@claws/contracts";
import { ProblemError, type ServiceClient } from "@claws/service-kit";
import type { Express, RequestHandler } from "express";
import { addSdkError } from "./add-sdk-error.ts";
import { ANTHROPIC } from "./dialects/anthropic.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { OPENAI } from "./dialects/openai.ts";
import { listModels } from "./list-models.ts";
import type { Pipeline } from "./pipeline.ts";
import { sendReply } from "./send-reply.ts";
import type { Authenticator } from "./steps/authenticate.ts";
import { readJsonBody } from "./steps/read-json-body.ts";

export interface RouteDependencies {
  readonly policy: CompiledPolicy;
  readonly authenticate: Authenticator;
  readonly handleCall: Pipeline;
  readonly limiter: ServiceClient;
}

export function addRoutes(app: Express, dependencies: RouteDependencies): void {
  app.post(OPENAI.path, callModel(OPENAI, dependencies));
  app.post(ANTHROPIC.path, callModel(ANTHROPIC, dependencies));
  app.get("/v1/models", showModels(dependencies));
  app.get("/v1/claws/spend", showSpend(dependencies));
  app.use(addSdkError);
}

function callModel(dialect: Dialect, { handleCall }: RouteDependencies): RequestHandler {
  return async (request, response) => {
    const left = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) left.abort();
    });
    const reply = await handleCall({
      dialect,
      headers: request.headers,
      readBody: () => readJsonBody(request),
      signal: left.signal,
    });
    await sendReply(response, reply, left.signal);
  };
}

function showModels({ policy, authenticate }: RouteDependencies): RequestHandler {
  return async (request, response) => {
    await authenticate(request.headers);
    const dialect = request.headers["anthropic-version"] === undefined ? OPENAI : ANTHROPIC;
    response.json(listModels(policy.models, dialect));
  };
}

function showSpend({ limiter, authenticate }: RouteDependencies): RequestHandler {
  return async (request, response) => {
    const { agent, session } = await authenticate(request.headers);
    const answer = await limiter.call(SpendReport, { method: "GET", path: `/v1/spend/${agent}/${session}` });
    if (!answer.ok) throw new ProblemError(answer.problem);
    response.json(answer.value);
  };
}
