import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createProblem, type ProblemCode } from "@claws/contracts";
import { createHttpApp, type Logger, ProblemError } from "@claws/service-kit";
import type { ErrorRequestHandler, RequestHandler } from "express";
import { decideRequest } from "./decide-request.ts";
import type { Forward } from "./forward.ts";
import { addLoginRoutes, type LoginOptions } from "./login-routes.ts";
import { refuse } from "./refuse.ts";
import { readSession, splitCookies } from "./session-cookie.ts";

export interface DoorOptions extends LoginOptions {
  readonly publicHosts: readonly string[];
  /** Whether this namespace has a way out; while it has, nothing is answered. */
  readonly hasWayOut: () => boolean;
  readonly forward: Forward;
}

/** One public listener. The order below is the order of the checks; only the last one leads further in. */
export function createDoor(options: DoorOptions): Server {
  const { logger, publicHosts, hasWayOut, forward, sessionKey, now } = options;
  const app = createHttpApp({
    service: "front-door",
    logger,
    routes(app) {
      app.enable("case sensitive routing");
      app.use(requireNoWayOut(hasWayOut));
      app.use(requireAllowed(publicHosts, logger));
      addLoginRoutes(app, options);
      app.use(requireSession(sessionKey, now));
      app.use((request, response) => forward(request, response));
      app.use(answerPeople);
    },
  });
  return createServer({ headersTimeout: 15_000 }, app);
}

function requireNoWayOut(hasWayOut: () => boolean): RequestHandler {
  return function checkRoutes(_request, _response, next) {
    if (!hasWayOut()) return next();
    throw refusal("service_unavailable", "this container still has a way out: see the log of netguard");
  };
}

function requireAllowed(publicHosts: readonly string[], logger: Logger): RequestHandler {
  return function checkRequest(request, response, next) {
    const verdict = decideRequest(request, publicHosts);
    if (verdict.outcome === "allow") return next();
    const { method, headers } = request;
    logger.warn({ method, host: headers.host, origin: headers.origin, code: verdict.code }, "refused");
    response.setHeader("connection", "close");
    throw refusal(verdict.code, verdict.detail);
  };
}

function requireSession(key: Buffer, now: () => number): RequestHandler {
  return function checkSession(request, _response, next) {
    const { ours } = splitCookies(request.headers.cookie);
    const [value] = ours;
    if (ours.length === 1 && value !== undefined && readSession(key, value, now()) !== undefined)
      return next();
    throw refusal("login_required", "log in with the link that './claws login' prints");
  };
}

/** Problems of ours as a page, where a browser asked; everything else is left to the kit's own handler. */
const answerPeople: ErrorRequestHandler = (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next,
) => {
  if (error instanceof ProblemError && !response.headersSent) refuse(request, response, error.problem);
  else next(error);
};

function refusal(code: ProblemCode, detail: string): ProblemError {
  return new ProblemError(createProblem(code, { service: "front-door", detail }));
}
