import type { JsonValue } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import type { Request } from "express";
import { parseStrictJson } from "../parse/strict-json.ts";

/** Reads the raw body that Express buffered, through the strict parser. */
export function readStrictBody(request: Request): JsonValue {
  if (!request.is("application/json")) {
    throw ProblemError.of("body_malformed", {
      service: "broker",
      detail: "send Content-Type: application/json",
    });
  }
  const body: unknown = request.body;
  const parsed = parseStrictJson(Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  if (!parsed.ok) throw ProblemError.of("body_malformed", { service: "broker", detail: parsed.reason });
  return parsed.value;
}

/** Aborts when the client goes away before it was answered. */
export function signalOf(request: Request): AbortSignal {
  const controller = new AbortController();
  const { res: response } = request;
  const abortUnlessAnswered = () => {
    if (response?.writableFinished !== true) controller.abort();
  };
  // It may have gone while its token was verified.
  if (response?.closed === true) abortUnlessAnswered();
  else response?.once("close", abortUnlessAnswered);
  return controller.signal;
}
