import type { IncomingHttpHeaders } from "node:http";
import type { ProblemCode } from "@claws/contracts";
import { ALLOWED_CALLS, type AllowedCall, type CallKind } from "./allowed-calls.ts";

/** What is looked at of a request: its head, since none may have a body. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
}

/** A call in the table, taken apart so that what is sent to the engine is built anew from it. */
export interface EngineCall {
  readonly kind: CallKind;
  readonly method: "GET" | "HEAD";
  /** `/v1.41`, or empty where the caller named no version. */
  readonly version: string;
  /** The container as the caller named it; empty where the call is about none. */
  readonly container: string;
  /** Checked query, `?` included; empty where there is none. */
  readonly query: string;
}

export type RequestVerdict =
  | { readonly outcome: "allow"; readonly call: EngineCall }
  | { readonly outcome: "deny"; readonly code: ProblemCode; readonly detail: string };

/** API 1.40 (Engine 19.03) is the oldest that the current client libraries speak. */
const TARGET = /^(\/v1\.[4-9][0-9])?(\/[A-Za-z0-9/_-]*)(?:\?(.*))?$/s;

/** Decides on one request by the table of allowed calls; falling through is a refusal. */
export function decideRequest(head: RequestHead): RequestVerdict {
  const form = decideForm(head);
  if (form !== undefined) return form;
  const [, version = "", path = "", search = ""] = TARGET.exec(head.target) ?? [];
  for (const allowed of ALLOWED_CALLS) {
    const match = allowed.path.exec(path);
    if (match === null) continue;
    if (!allowed.methods.includes(head.method)) break;
    const query = readQuery(allowed, search);
    if (!query.ok) return deny("request_invalid", query.detail);
    const method = head.method === "HEAD" ? "HEAD" : "GET";
    return {
      outcome: "allow",
      call: { kind: allowed.kind, method, version, container: match[1] ?? "", query: query.text },
    };
  }
  return deny(
    "peer_not_allowed",
    "only the closed list of read-only calls in this service's README is passed on",
  );
}

/** Refuses what could be read in two ways, or could become something else than one request and one answer. */
function decideForm({ method, httpVersion, headers, target }: RequestHead): RequestVerdict | undefined {
  if (method !== "GET" && method !== "HEAD") return deny("peer_not_allowed", "nothing here changes anything");
  if (httpVersion !== "1.1") return deny("request_invalid", "speak HTTP/1.1");
  if (headers.upgrade !== undefined || !isPlainConnection(headers.connection)) {
    return deny("peer_not_allowed", "connections are never upgraded here: attach and exec do not exist");
  }
  if (headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0") {
    return deny("request_invalid", "send no body: every call here only reads");
  }
  if (headers.expect !== undefined) return deny("request_invalid", "send no Expect header");
  if (!TARGET.test(target)) {
    return deny("peer_not_allowed", "send a plain path: no percent-encoding, no dots, no absolute address");
  }
  return undefined;
}

function isPlainConnection(connection: string | undefined): boolean {
  return connection === undefined || /^(?:keep-alive|close)$/i.test(connection.trim());
}

function deny(code: ProblemCode, detail: string): RequestVerdict {
  return { outcome: "deny", code, detail };
}

type QueryReading =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly detail: string };

function readQuery({ kind, query }: AllowedCall, search: string): QueryReading {
  const checked = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(search)) {
    const rule = Object.hasOwn(query, name) ? query[name] : undefined;
    if (rule === undefined) {
      const known = Object.keys(query).join(", ") || "nothing";
      return { ok: false, detail: `${kind} may be asked for ${known} in its query, and for nothing else` };
    }
    if (checked.has(name)) return { ok: false, detail: `${kind}: ${name} may be given once` };
    const parsed = rule.safeParse(value);
    if (!parsed.success) return { ok: false, detail: `${kind}: the value of ${name} is not of its form` };
    checked.set(name, parsed.data);
  }
  return { ok: true, text: checked.size === 0 ? "" : `?${checked.toString()}` };
}
