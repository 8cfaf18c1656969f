import { ProblemError } from "@claws/service-kit";
import type { Express, NextFunction, Request, Response } from "express";

const MAX_BYTES = 1024 * 1024;
const MAX_WAIT_MS = 60_000;

/**
 * `GET /bytes/:n` sends that many bytes, `GET /slow/:ms` answers that late, and everything else is echoed
 * as a description of the request. The body is counted and never kept.
 */
export function createMockRoutes(name: string) {
  const describe = createDescriber(name);
  return function addRoutes(app: Express): void {
    app.get("/bytes/:count", (request, response) => {
      const count = readNumber("count", request.params.count, MAX_BYTES);
      response.type("application/octet-stream").send(Buffer.alloc(count, "x"));
    });
    app.get("/slow/:ms", waitFirst, describe);
    app.use(describe);
  };
}

function waitFirst(request: Request<{ ms: string }>, _response: Response, next: NextFunction): void {
  setTimeout(() => next(), readNumber("ms", request.params.ms, MAX_WAIT_MS));
}

function createDescriber(name: string) {
  return async function describe(request: Request, response: Response): Promise<void> {
    response.json(await describeRequest(request, name));
  };
}

async function describeRequest(request: Request, name: string) {
  let bodyBytes = 0;
  for await (const chunk of request) bodyBytes += (chunk as Buffer).length;
  return {
    host: request.headers.host ?? "",
    method: request.method,
    path: request.originalUrl,
    bodyBytes,
    message: `this is ${name}, a stand-in for a host on the internet`,
  };
}

function readNumber(what: string, text: string, most: number): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  throw ProblemError.of("request_invalid", {
    service: "mock-api",
    detail: `${what} is a whole number from 0 to ${most}`,
  });
}
