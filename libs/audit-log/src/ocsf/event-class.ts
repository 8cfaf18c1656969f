import type { AuditRecord } from "@claws/contracts";
import type { DetailReader } from "./detail-reader.ts";
import { type Endpoint, readDestination } from "./endpoint.ts";

interface Activity {
  readonly activity_id: number;
  /** Named where `activity_id` is 99, Other. */
  readonly activity_name?: string;
}

/** The class-specific part of an OCSF event. */
export interface ClassifiedEvent extends Activity {
  readonly category_uid: number;
  readonly class_uid: number;
  readonly [attribute: string]: unknown;
}

type Classify = (record: AuditRecord, detail: DetailReader) => ClassifiedEvent;

const NETWORK = 4;
const APPLICATION = 6;
const OUTBOUND = 2;
const OTHER = 99;

/** OCSF's numbers of HTTP methods. */
const HTTP_ACTIVITIES: ReadonlyMap<string, number> = new Map([
  ["DELETE", 2],
  ["GET", 3],
  ["HEAD", 4],
  ["OPTIONS", 5],
  ["POST", 6],
  ["PUT", 7],
  ["TRACE", 8],
  ["PATCH", 9],
]);

export function classify(record: AuditRecord, detail: DetailReader): ClassifiedEvent {
  if (record.event === "dns.decided") return classifyDns(record, detail);
  if (record.event === "egress.decided" || record.event === "egress.closed")
    return classifyEgress(record, detail);
  return classifyCall(record, detail);
}

/** A tunnel, or a request that was never understood, is a connection; a request that was read is HTTP. */
const classifyEgress: Classify = (record, detail) => {
  const method = detail.text("method");
  const wire = readWire(record, detail);
  if (method === undefined || method === "CONNECT")
    return { category_uid: NETWORK, class_uid: 4001, ...connectionActivity(record), ...wire };
  const activity = HTTP_ACTIVITIES.get(method);
  return {
    category_uid: NETWORK,
    class_uid: 4002,
    // The class wants a request; a method that OCSF does not list can only be named beside it.
    ...(activity === undefined
      ? { activity_id: OTHER, activity_name: method, http_request: {} }
      : { activity_id: activity, http_request: { http_method: method } }),
    ...wire,
  };
};

/** 1 open, 2 close, 3 reset (cut by a device in the middle), 4 fail, 5 refuse. */
function connectionActivity({ event, outcome }: AuditRecord): Activity {
  if (event === "egress.closed") return { activity_id: outcome === "done" ? 2 : 3 };
  switch (outcome) {
    case "allow":
    case "done":
      return { activity_id: 1 };
    case "failed":
      return { activity_id: 4 };
    case "deny":
      return { activity_id: 5 };
    case "hold":
      return { activity_id: OTHER, activity_name: "Hold" };
  }
}

function readWire(record: AuditRecord, detail: DetailReader): Readonly<Record<string, unknown>> {
  const destination = readDestination(record.subject, detail.peek("address"));
  // Several addresses were allowed to be dialled: the destination has room for one, so they stay unmapped.
  if (destination.ip === detail.peek("address")) detail.text("address");
  const up = detail.count("bytesUp");
  const down = detail.count("bytesDown");
  const duration = detail.count("durationMs");
  const traffic = {
    ...(up === undefined ? {} : { bytes_out: up }),
    ...(down === undefined ? {} : { bytes_in: down }),
    ...(up === undefined || down === undefined ? {} : { bytes: up + down }),
  };
  return {
    ...readSource(record, detail),
    dst_endpoint: destination,
    connection_info: { direction_id: OUTBOUND, protocol_name: "tcp", protocol_num: 6 },
    ...(Object.keys(traffic).length === 0 ? {} : { traffic }),
    ...(duration === undefined ? {} : { duration }),
  };
}

/** The decision is taken on the query, and the answer follows from it: allowed, or NXDOMAIN. */
const classifyDns: Classify = (record, detail) => {
  const type = detail.text("type");
  const answers = detail.text("address")?.split(" ") ?? [];
  return {
    category_uid: NETWORK,
    class_uid: 4003,
    activity_id: 1,
    query: { hostname: record.subject, ...(type === undefined ? {} : { type }) },
    ...(answers.length === 0 ? {} : { answers: answers.map((rdata) => ({ rdata })) }),
    ...(record.outcome === "allow" ? { rcode_id: 0 } : {}),
    ...(record.outcome === "deny" ? { rcode_id: 3 } : {}),
    ...(record.outcome === "failed" ? { rcode_id: 2 } : {}),
    ...readSource(record, detail),
    dst_endpoint: { svc_name: record.service, port: 53 },
  };
};

function readSource({ agent }: AuditRecord, detail: DetailReader): { readonly src_endpoint?: Endpoint } {
  const name = agent ?? detail.text("peer");
  return name === undefined ? {} : { src_endpoint: { name } };
}

/** Calls of tools and models, approvals, and the log's own events: none is a create, read, update or delete. */
const classifyCall: Classify = ({ event, agent, session, service, subject }) => ({
  category_uid: APPLICATION,
  class_uid: 6003,
  activity_id: OTHER,
  activity_name: event,
  actor: { app_name: agent ?? service, ...(session === undefined ? {} : { session: { uid: session } }) },
  api: { operation: event, service: { name: service } },
  src_endpoint: { name: agent ?? service },
  resources: [{ name: subject, type: event.split(".")[0] }],
});
