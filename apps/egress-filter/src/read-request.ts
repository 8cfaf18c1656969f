import type { EgressReason } from "@claws/contracts";
import { type Authority, readAuthority } from "./authority.ts";

/** What Node's parser hands over; only the raw headers still show what was sent twice. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

/** Every value of a header, as sent; an empty list when it is not there. `name` is lower case. */
export type HeaderLookup = (name: string) => readonly string[];

/** A request that every parser on the way reads as we do. */
export interface EgressRequest extends Authority {
  readonly method: string;
  /** Path and query as sent; absent for a tunnel. */
  readonly path?: string;
  readonly headers: HeaderLookup;
  readonly isChunked: boolean;
  readonly isWebSocket: boolean;
}

export interface ReadingFailure {
  readonly ok: false;
  readonly reason: EgressReason;
  readonly detail: string;
  /** What was asked for, as it stood there. */
  readonly target: string;
  readonly method: string;
}

export type RequestReading = { readonly ok: true; readonly request: EgressRequest } | ReadingFailure;

type Fault = { readonly reason: EgressReason; readonly detail: string };

/** Far from where Node's parser begins to keep fields to itself. */
const MAX_FIELDS = 200;

/** Fields that decide where a message ends or goes: `Connection` must not strip them (RFC 9110, 7.6.1). */
const NEVER_HOP_BY_HOP = ["host", "content-length", "transfer-encoding"];

/** Reads `CONNECT host:port`. */
export function readTunnelRequest(head: RequestHead): RequestReading {
  const headers = lookupIn(head.rawHeaders);
  const fault = findFaultyHead(head, headers) ?? findTunnelBody(headers);
  if (fault) return refuse(head, fault);
  if (headers("upgrade").length > 0) {
    return refuse(head, {
      reason: "upgrade",
      detail: "a tunnel is not upgraded: send CONNECT without Upgrade",
    });
  }
  return readDestination(head, headers, { authorityText: head.url ?? "", schemePort: 443, isTunnel: true });
}

/** Reads a request in absolute-form (RFC 9112 section 3.2.2), which is what a forward proxy is sent. */
export function readForwardRequest(head: RequestHead): RequestReading {
  const headers = lookupIn(head.rawHeaders);
  const fault =
    findFaultyHead(head, headers) ?? findFaultyFraming(headers) ?? findFaultyUpgrade(head, headers);
  if (fault) return refuse(head, fault);
  const url = head.url ?? "";
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    const detail = "this is a forward proxy: send http://host/path here, and CONNECT host:443 for https";
    return refuse(head, { reason: "not_absolute", detail });
  }
  if (scheme !== "http") {
    return refuse(head, {
      reason: "scheme",
      detail: `${scheme}:// is not forwarded: only http:// is, and CONNECT`,
    });
  }
  const parts = /^http:\/\/([^/?#\\]*)([/?][!-~]*)?$/i.exec(url);
  const [, authorityText, rest = "/"] = parts ?? [];
  if (authorityText === undefined || rest.includes("#") || rest.includes("\\")) {
    return refuse(head, { reason: "bad_request", detail: "the target is not an http URL in its plain form" });
  }
  const path = rest.startsWith("?") ? `/${rest}` : rest;
  return readDestination(head, headers, { authorityText, schemePort: 80, isTunnel: false, path });
}

/**
 * Reads a request inside a tunnel whose content is plain HTTP: origin-form (RFC 9112 section 3.2.1), and its
 * Host is the destination that the tunnel was opened for.
 */
export function readInnerRequest(head: RequestHead, tunnel: Authority): RequestReading {
  const headers = lookupIn(head.rawHeaders);
  const fault =
    findFaultyHead(head, headers) ?? findFaultyFraming(headers) ?? findFaultyUpgrade(head, headers);
  if (fault) return refuse(head, fault);
  const path = /^\/[!-~]*$/.exec(head.url ?? "")?.[0];
  if (path === undefined || path.includes("#") || path.includes("\\")) {
    return refuse(head, {
      reason: "bad_request",
      detail: "inside a tunnel the target is a path, for instance /index.html",
    });
  }
  return readDestination(head, headers, {
    authorityText: `${tunnel.host}:${tunnel.port}`,
    schemePort: 80,
    isTunnel: false,
    path,
  });
}

interface DestinationParts {
  readonly authorityText: string;
  readonly schemePort: number;
  readonly isTunnel: boolean;
  readonly path?: string;
}

function readDestination(
  head: RequestHead,
  headers: HeaderLookup,
  { authorityText, schemePort, isTunnel, path }: DestinationParts,
): RequestReading {
  const reading = readAuthority(authorityText, isTunnel ? undefined : schemePort);
  if (!reading.ok) return refuse(head, reading);
  const { authority } = reading;
  // Widespread clients leave the port out of a CONNECT's Host, whatever it is; elsewhere that means the scheme's own.
  const host = readAuthority(headers("host")[0] ?? "", isTunnel ? authority.port : schemePort);
  if (!host.ok || host.authority.host !== authority.host || host.authority.port !== authority.port) {
    const detail = "the Host header must name the same host and port as the target";
    return refuse(head, { reason: "host_mismatch", detail });
  }
  const isChunked = headers("transfer-encoding").length > 0;
  const isWebSocket = headers("upgrade").length > 0;
  // What Connection names ends here, and so is no header of the request that rules are about.
  const nominated = listOf(headers, "connection");
  const kept: HeaderLookup = (name) => (nominated.includes(name) ? NONE : headers(name));
  const request = { ...authority, method: head.method ?? "", headers: kept, isChunked, isWebSocket };
  return { ok: true, request: path === undefined ? request : { ...request, path } };
}

/** What holds for all forms. A version other than 1.1 is also how a line feed in the target shows up. */
function findFaultyHead(head: RequestHead, headers: HeaderLookup): Fault | undefined {
  if (head.httpVersion !== "1.1") return { reason: "http_version", detail: "speak HTTP/1.1" };
  if (head.rawHeaders.length > 2 * MAX_FIELDS)
    return { reason: "bad_request", detail: `send at most ${MAX_FIELDS} headers` };
  const hosts = headers("host").length;
  if (hosts === 0) return { reason: "host_missing", detail: "send a Host header" };
  if (hosts > 1) return { reason: "host_duplicate", detail: "send exactly one Host header" };
  const nominated = listOf(headers, "connection").find((name) => NEVER_HOP_BY_HOP.includes(name));
  if (nominated !== undefined)
    return { reason: "bad_framing", detail: `Connection must not name ${nominated}` };
  const expected = headers("expect");
  if (expected.length > 1 || (expected[0] ?? "100-continue").toLowerCase() !== "100-continue") {
    return { reason: "expectation", detail: "no expectation but 100-continue is met" };
  }
  return undefined;
}

/** Two opinions about where the body ends are request smuggling (RFC 9112 section 11.2). */
function findFaultyFraming(headers: HeaderLookup): Fault | undefined {
  const lengths = headers("content-length");
  const codings = headers("transfer-encoding");
  const fault = (detail: string): Fault => ({ reason: "bad_framing", detail });
  if (lengths.length > 0 && codings.length > 0)
    return fault("send Content-Length or Transfer-Encoding, not both");
  if (lengths.length > 1 || codings.length > 1) return fault("say once how long the body is");
  if (lengths.some((length) => !/^\d{1,15}$/.test(length)))
    return fault("Content-Length is a decimal number");
  if (codings.some((coding) => coding.toLowerCase() !== "chunked"))
    return fault("Transfer-Encoding is only chunked");
  return undefined;
}

/** The one protocol that may take over a connection is WebSocket (RFC 6455 section 4.1): a GET without a body. */
function findFaultyUpgrade(head: RequestHead, headers: HeaderLookup): Fault | undefined {
  const upgrade = headers("upgrade");
  if (upgrade.length === 0) return undefined;
  const isWebSocket =
    upgrade.length === 1 &&
    upgrade[0]?.toLowerCase() === "websocket" &&
    head.method === "GET" &&
    headers("transfer-encoding").length === 0 &&
    headers("content-length").every((length) => length === "0");
  return isWebSocket
    ? undefined
    : { reason: "upgrade", detail: "no protocol but WebSocket may be upgraded to" };
}

/** Content of a CONNECT has no meaning (RFC 9110 section 9.3.6), so parsers disagree where the tunnel starts. */
function findTunnelBody(headers: HeaderLookup): Fault | undefined {
  const hasBody = headers("transfer-encoding").length > 0 || headers("content-length").some((l) => l !== "0");
  if (hasBody) return { reason: "bad_framing", detail: "send CONNECT without a body" };
  return headers("expect").length > 0
    ? { reason: "expectation", detail: "send CONNECT without an Expect header" }
    : undefined;
}

const NONE: readonly string[] = [];

/** Reads the raw list at each question: a request is asked about a handful of its headers. */
export function lookupIn(raw: readonly string[]): HeaderLookup {
  return function lookup(name) {
    let found: string[] | undefined;
    for (let index = 0; index + 1 < raw.length; index += 2) {
      const candidate = raw[index] ?? "";
      if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
      (found ??= []).push(raw[index + 1] ?? "");
    }
    return found ?? NONE;
  };
}

function listOf(headers: HeaderLookup, name: string): string[] {
  return headers(name)
    .flatMap((value) => value.split(","))
    .map((item) => item.trim().toLowerCase());
}

function refuse(head: RequestHead, { reason, detail }: Fault): RequestReading {
  return { ok: false, reason, detail, target: head.url ?? "", method: head.method ?? "" };
}
