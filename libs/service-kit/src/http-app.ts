import type { ServerResponse } from "node:http";
import { createProblem, type Problem, type ServiceName } from "@claws/contracts";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import type * as z from "zod";
import { peerOfRequest } from "./identity.ts";
import type { Logger } from "./logger.ts";
import { ProblemError } from "./problem-error.ts";

/** What a route hands on when the body is parsed: the value of its schema. */
export function readBody<Shape extends z.ZodType>(
  schema: Shape,
  body: unknown,
  service: string,
): z.infer<Shape> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
  throw ProblemError.of("request_invalid", { service, detail: mistakes.join("; ") });
}

/** Lets in only the named services, by certificate; everybody else reads 403. */
export function allowPeers(service: string, peers: readonly ServiceName[]): RequestHandler {
  return function checkPeer(request, _response, next) {
    const peer = peerOfRequest(request);
    if (peer !== undefined && peers.includes(peer)) return next();
    const who = peer ?? "a caller without a certificate of this stack";
    throw ProblemError.of("peer_not_allowed", {
      service,
      detail: `${who} may not call ${request.method} ${request.path}`,
    });
  };
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  if (problem.retryAfterMs !== undefined) {
    response.setHeader("retry-after", String(Math.max(1, Math.ceil(problem.retryAfterMs / 1_000))));
  }
  response.statusCode = problem.status;
  response.setHeader("content-type", "application/problem+json");
  response.end(JSON.stringify(problem));
}

export interface HttpAppOptions {
  readonly service: string;
  readonly logger: Logger;
  /** Adds the service's own routes. */
  readonly routes: (app: Express) => void;
}

/** An Express app with our defaults: no fingerprint, problem documents for every error, 404 included. */
export function createHttpApp({ service, logger, routes }: HttpAppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  routes(app);
  app.use((request) => {
    throw ProblemError.of("not_found", {
      service,
      detail: `${request.method} ${request.path} does not exist here`,
    });
  });
  app.use(answerWithProblem(service, logger));
  return app;
}

function answerWithProblem(service: string, logger: Logger): ErrorRequestHandler {
  return function handleError(error: unknown, request, response, _next) {
    const problem = problemOf(error, service);
    if (problem.code === "internal") {
      logger.error({ err: error, method: request.method, path: request.path }, "unexpected error");
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    sendProblem(response, problem);
  };
}

function problemOf(error: unknown, service: string): Problem {
  if (error instanceof ProblemError) return error.problem;
  const type = (error as { type?: unknown } | undefined)?.type;
  if (type === "entity.too.large") {
    return createProblem("body_too_large", { service, detail: "send a smaller body" });
  }
  if (type === "entity.parse.failed" || type === "encoding.unsupported" || type === "charset.unsupported") {
    return createProblem("body_malformed", { service, detail: "send one JSON document in UTF-8" });
  }
  // Express and its body parser mark what the client did wrong (a broken escape in the path, a body that
  // is not what its headers say) by a status; what they say of it may quote the request.
  const status = (error as { status?: unknown } | undefined)?.status;
  if (typeof status === "number" && status >= 400 && status < 500) {
    return createProblem("request_invalid", { service, detail: "the request is malformed: send it whole" });
  }
  return createProblem("internal", { service, detail: `see the log of ${service}` });
}
