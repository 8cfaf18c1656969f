import type { ProblemCode } from "@claws/contracts";
import { type Authority, readAuthority } from "./authority.ts";

/** What Node's parser hands over; only the raw headers still show what was sent twice. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

/** A request that every parser on the way reads as we do. */
export interface EgressRequest extends Authority {
  readonly method: string;
  /** Path and query as sent; absent for a tunnel. */
  readonly path?: string;
  readonly isChunked: boolean;
}

export type RequestReading =
  | { readonly ok: true; readonly request: EgressRequest }
  | {
      readonly ok: false;
      readonly code: ProblemCode;
      readonly reason: string;
      /** What was asked for, as it stood there. */
      readonly target: string;
      readonly method: string;
    };

type Headers = ReadonlyMap<string, readonly string[]>;

/** Fields that decide where a message ends or goes: `Connection` must not strip them (RFC 9110, 7.6.1). */
const NEVER_HOP_BY_HOP = ["host", "content-length", "transfer-encoding"];

/** Reads `CONNECT host:port`. */
export function readTunnelRequest(head: RequestHead): RequestReading {
  const target = head.url ?? "";
  const headers = collectHeaders(head.rawHeaders);
  const reason = refuseHead(head, headers) ?? refuseTunnelBody(headers);
  if (reason !== undefined) return refuse(head, "request_invalid", reason);
  return readDestination(head, headers, { authorityText: target, schemePort: 443, isTunnel: true });
}

/** Reads a request in absolute-form (RFC 9112 section 3.2.2), which is what a forward proxy is sent. */
export function readForwardRequest(head: RequestHead): RequestReading {
  const headers = collectHeaders(head.rawHeaders);
  const reason = refuseHead(head, headers) ?? refuseFraming(headers);
  if (reason !== undefined) return refuse(head, "request_invalid", reason);
  const parts = /^http:\/\/([^/?#\\]*)([/?][!-~]*)?$/i.exec(head.url ?? "");
  const [, authorityText, rest = "/"] = parts ?? [];
  if (authorityText === undefined || rest.includes("#") || rest.includes("\\")) {
    const cure = "this is a forward proxy: send http://host/path here, and CONNECT host:443 for https";
    return refuse(head, "request_invalid", cure);
  }
  const path = rest.startsWith("?") ? `/${rest}` : rest;
  return readDestination(head, headers, { authorityText, schemePort: 80, isTunnel: false, path });
}

interface DestinationParts {
  readonly authorityText: string;
  readonly schemePort: number;
  readonly isTunnel: boolean;
  readonly path?: string;
}

function readDestination(
  head: RequestHead,
  headers: Headers,
  { authorityText, schemePort, isTunnel, path }: DestinationParts,
): RequestReading {
  const reading = readAuthority(authorityText, isTunnel ? undefined : schemePort);
  if (!reading.ok) return refuse(head, reading.code, reading.reason);
  const { authority } = reading;
  // Without a port, Host means the scheme's own; widespread clients send it so with CONNECT to 443.
  const host = readAuthority(headers.get("host")?.[0] ?? "", schemePort);
  if (!host.ok || host.authority.host !== authority.host || host.authority.port !== authority.port) {
    return refuse(head, "request_invalid", "the Host header must name the same host and port as the target");
  }
  const isChunked = headers.has("transfer-encoding");
  const request = { ...authority, method: head.method ?? "", isChunked };
  return { ok: true, request: path === undefined ? request : { ...request, path } };
}

/** What holds for both forms. A version other than 1.1 is also how a line feed in the target shows up. */
function refuseHead(head: RequestHead, headers: Headers): string | undefined {
  if (head.httpVersion !== "1.1") return "speak HTTP/1.1";
  if (headers.get("host")?.length !== 1) return "send exactly one Host header";
  if (headers.has("expect")) return "send the request without an Expect header";
  const upgrade = headers.get("upgrade")?.join(", ");
  if (upgrade?.toLowerCase() === "websocket") {
    return "WebSocket over plain http is not carried: use wss, which goes through CONNECT";
  }
  if (upgrade !== undefined) return "no protocol but WebSocket may be upgraded to, and only through CONNECT";
  const nominated = listOf(headers, "connection").find((name) => NEVER_HOP_BY_HOP.includes(name));
  if (nominated !== undefined) return `Connection must not name ${nominated}`;
  return undefined;
}

/** Two opinions about where the body ends are request smuggling (RFC 9112 section 11.2). */
function refuseFraming(headers: Headers): string | undefined {
  const lengths = headers.get("content-length") ?? [];
  const codings = headers.get("transfer-encoding") ?? [];
  if (lengths.length > 0 && codings.length > 0) return "send Content-Length or Transfer-Encoding, not both";
  if (lengths.length > 1 || codings.length > 1) return "say once how long the body is";
  if (lengths.some((length) => !/^\d{1,15}$/.test(length))) return "Content-Length is a decimal number";
  if (codings.some((coding) => coding.toLowerCase() !== "chunked"))
    return "Transfer-Encoding is only chunked";
  return undefined;
}

/** Content of a CONNECT has no meaning (RFC 9110 section 9.3.6), so parsers disagree where the tunnel starts. */
function refuseTunnelBody(headers: Headers): string | undefined {
  const hasBody = headers.has("transfer-encoding") || headers.get("content-length")?.some((l) => l !== "0");
  return hasBody ? "send CONNECT without a body" : undefined;
}

function collectHeaders(raw: readonly string[]): Headers {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), raw[index + 1] ?? ""]);
  }
  return headers;
}

function listOf(headers: Headers, name: string): string[] {
  const values = headers.get(name) ?? [];
  return values.flatMap((value) => value.split(",")).map((item) => item.trim().toLowerCase());
}

function refuse(head: RequestHead, code: ProblemCode, reason: string): RequestReading {
  return { ok: false, code, reason, target: head.url ?? "", method: head.method ?? "" };
}
