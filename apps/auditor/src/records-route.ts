import { isSealable } from "@claws/audit-log";
import { AuditEvent, SERVICES } from "@claws/contracts";
import { allowPeers, type Logger, peerOfRequest, ProblemError, readBody } from "@claws/service-kit";
import express, { type Express, type RequestHandler } from "express";
import type { RecordWriter } from "./record-writer.ts";
import { refuseUnwritten } from "./refuse-unwritten.ts";

const SERVICE = "auditor";

export interface RecordsRouteOptions {
  readonly writer: Pick<RecordWriter, "append">;
  readonly logger: Logger;
}

/** `POST /v1/records`: 201 when the record is on disk, and only then. */
export function createRecordsRoute(options: RecordsRouteOptions) {
  return (app: Express): void => {
    const acceptJson = express.json({ limit: "64kb" });
    app.post("/v1/records", allowPeers(SERVICE, SERVICES), acceptJson, createRecordHandler(options));
  };
}

function createRecordHandler({ writer, logger }: RecordsRouteOptions): RequestHandler {
  return async function appendRecord(request, response) {
    const event = readEvent(request.body);
    // Set: `allowPeers` let it through.
    const service = peerOfRequest(request) as string;
    response.status(201).json(await writer.append(event, service).catch(refuseUnwritten(logger)));
  };
}

function readEvent(body: unknown): AuditEvent {
  const event = readBody(AuditEvent, body, SERVICE);
  if (isSealable(event)) return event;
  throw ProblemError.of("request_invalid", {
    service: SERVICE,
    detail: "a string in the event is not Unicode (half a surrogate pair): send well-formed text",
  });
}
