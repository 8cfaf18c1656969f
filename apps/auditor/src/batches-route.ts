import { isSealable } from "@claws/audit-log";
import { AuditBatch, createProblem, MAX_AUDIT_EVENT_BYTES, SERVICES } from "@claws/contracts";
import { allowPeers, type Logger, peerOfRequest, ProblemError, readBody } from "@claws/service-kit";
import express, { type Express, type RequestHandler } from "express";
import type { RecordWriter } from "./record-writer.ts";
import { refuseUnwritten } from "./refuse-unwritten.ts";

const SERVICE = "auditor";

export interface BatchesRouteOptions {
  readonly writer: Pick<RecordWriter, "appendBatch">;
  readonly logger: Logger;
}

/** `POST /v1/batches`: 200 when all of a spool up to the answer's `through` is on disk, and only then. */
export function createBatchesRoute(options: BatchesRouteOptions) {
  return (app: Express): void => {
    const acceptJson = express.json({ limit: "1mb" });
    app.post("/v1/batches", allowPeers(SERVICE, SERVICES), acceptJson, createBatchHandler(options));
  };
}

function createBatchHandler({ writer, logger }: BatchesRouteOptions): RequestHandler {
  return async function appendBatch(request, response) {
    const batch = readBatch(request.body);
    // Set: `allowPeers` let it through.
    const service = peerOfRequest(request) as string;
    const outcome = await writer.appendBatch(batch, service).catch(refuseUnwritten(logger));
    if (!outcome.ok) throw refuseGap(batch, outcome.expected);
    response.json({ through: outcome.through });
  };
}

function readBatch(body: unknown): AuditBatch {
  const batch = readBody(AuditBatch, body, SERVICE);
  for (const [index, event] of batch.events.entries()) {
    if (Buffer.byteLength(JSON.stringify(event)) > MAX_AUDIT_EVENT_BYTES)
      throw refuse(`events.${index}: longer than ${MAX_AUDIT_EVENT_BYTES} bytes`);
    if (!isSealable(event))
      throw refuse(`events.${index}: a string is not Unicode (half a surrogate pair): send well-formed text`);
  }
  return batch;
}

function refuse(detail: string): ProblemError {
  return ProblemError.of("request_invalid", { service: SERVICE, detail });
}

/** The number that comes next is also a member of its own, for programs (RFC 9457, section 3.2). */
function refuseGap({ spool, first }: AuditBatch, expected: number): ProblemError {
  const detail =
    `spool ${spool}: number ${first} came where ${expected} comes next. If the log was replaced by an older ` +
    "copy, put it away as evidence: a new log takes the spool from where it is";
  const problem = createProblem("request_invalid", { service: SERVICE, detail });
  return new ProblemError({ ...problem, expected });
}
