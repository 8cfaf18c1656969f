import type { IncomingMessage } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { type Authority, formatAuthority } from "../authority.ts";
import { type AnswerHead, groupHeaders, withoutPseudo } from "./exchange.ts";
import { type Upstream, UpstreamRefused } from "./upstream.ts";

/** A request as it goes out: end-to-end headers only, and no Host among them. */
export interface OutgoingRequest {
  readonly method: string;
  readonly path: string;
  readonly rawHeaders: readonly string[];
  readonly hasBody: boolean;
  /** Asks for WebSocket. */
  readonly isUpgrade: boolean;
}

export interface UpstreamAnswer extends AnswerHead {
  readonly body: Readable;
  /** Whether the body, when it has ended, was complete. */
  readonly isWhole: () => boolean;
  /** What came behind the body; to be asked when it has ended. */
  readonly trailers: () => readonly string[];
  /** The connection, when the destination has switched protocols. */
  readonly switched?: Switched;
}

export interface Switched {
  readonly socket: Socket;
  /** What came right behind the head. */
  readonly rest: Buffer;
}

/** A request on its way to the destination. */
export interface UpstreamExchange {
  /** Where the body goes; ended already when there is none. */
  readonly body: Writable;
  /** Rejects with UpstreamRefused when the destination does not answer. */
  readonly answer: Promise<UpstreamAnswer>;
  abort(): void;
}

/** Sends the head of a request over HTTP/2 where both ends speak it, and over HTTP/1.1 otherwise. */
export async function sendUpstream(
  upstream: Upstream,
  authority: Authority,
  request: OutgoingRequest,
): Promise<UpstreamExchange> {
  const session = await upstream.http2();
  return session === undefined
    ? sendOverHttp1(upstream, authority, request)
    : sendOverHttp2(session, authority, request);
}

/** The authority as clients write it: a port is named where it is not the scheme's own. */
export function hostOf(authority: Authority): string {
  return authority.port === 443 ? authority.host : formatAuthority(authority);
}

function sendOverHttp1(upstream: Upstream, authority: Authority, request: OutgoingRequest): UpstreamExchange {
  const { method, path, rawHeaders, hasBody, isUpgrade } = request;
  const { promise, resolve, reject } = Promise.withResolvers<UpstreamAnswer>();
  const headers = ["Host", hostOf(authority), ...withoutTe(rawHeaders), ...framingOf(request)];
  if (isUpgrade) headers.push("Connection", "Upgrade", "Upgrade", "websocket");
  let outgoing = upstream.http1({ method, path, headers });
  let isRetried = false;

  function listen(): void {
    outgoing.on("response", (message) => resolve(answerOf(message)));
    // Nobody asked for another protocol; a switch without a question is no answer to it.
    outgoing.on("upgrade", (message, socket, rest) => {
      if (isUpgrade) return resolve({ ...answerOf(message), switched: { socket, rest } });
      socket.destroy();
      reject(explain(authority, new Error("an upgrade that nobody asked for")));
    });
    outgoing.on("error", (error) => {
      // The destination gave the kept connection up at the moment at which it was used again (RFC 9112, 9.3.1).
      if (outgoing.reusedSocket && !isRetried && !hasBody && (method === "GET" || method === "HEAD")) {
        isRetried = true;
        outgoing = upstream.http1({ method, path, headers });
        listen();
        outgoing.end();
        return;
      }
      reject(explain(authority, error));
    });
  }
  listen();
  promise.catch(() => undefined);
  if (!hasBody) outgoing.end();
  return { body: outgoing, answer: promise, abort: () => void outgoing.destroy() };
}

/** It is of HTTP/2 here; in HTTP/1.1 it is between neighbours. */
function withoutTe(raw: readonly string[]): string[] {
  return raw.filter((_, index) => raw[index - (index % 2)]?.toLowerCase() !== "te");
}

/** Node's writer takes a raw list as it is, and so has to be told how long the body is. */
function framingOf({ method, rawHeaders, hasBody }: OutgoingRequest): string[] {
  const hasLength = rawHeaders.some(
    (name, index) => index % 2 === 0 && name.toLowerCase() === "content-length",
  );
  if (hasLength) return [];
  if (hasBody) return ["Transfer-Encoding", "chunked"];
  return ["POST", "PUT", "PATCH"].includes(method) ? ["Content-Length", "0"] : [];
}

function answerOf(message: IncomingMessage): UpstreamAnswer {
  return {
    status: message.statusCode ?? 502,
    rawHeaders: message.rawHeaders,
    body: message,
    isWhole: () => message.complete,
    trailers: () => message.rawTrailers,
  };
}

function sendOverHttp2(
  session: ClientHttp2Session,
  authority: Authority,
  { method, path, rawHeaders, hasBody }: OutgoingRequest,
): UpstreamExchange {
  const { promise, resolve, reject } = Promise.withResolvers<UpstreamAnswer>();
  promise.catch(() => undefined);
  const stream: ClientHttp2Stream = session.request(
    {
      ...groupHeaders(rawHeaders),
      ":method": method,
      ":path": path,
      ":scheme": "https",
      ":authority": hostOf(authority),
    },
    { endStream: !hasBody },
  );
  let trailers: readonly string[] = [];
  const isWhole = () => stream.rstCode === constants.NGHTTP2_NO_ERROR;
  // The third argument is there, and missing in the types of the second event.
  stream.on("response", (...[headers, , raw]: [Record<string, unknown>, number, string[]?]) => {
    const status = Number(headers[":status"]);
    resolve({
      status,
      rawHeaders: withoutPseudo(raw ?? []),
      body: stream,
      isWhole,
      trailers: () => trailers,
    });
  });
  stream.on("trailers", (...[, , raw]: [Record<string, unknown>, number, string[]?]) => {
    trailers = raw ?? [];
  });
  stream.on("error", (error) => reject(explain(authority, error)));
  stream.once("close", () => reject(explain(authority, new Error("closed"))));
  return {
    body: stream,
    answer: promise,
    abort: () => stream.close(constants.NGHTTP2_CANCEL),
  };
}

function explain(authority: Authority, error: Error): UpstreamRefused {
  if (error instanceof UpstreamRefused) return error;
  const { code = "no answer" } = error as NodeJS.ErrnoException;
  const detail = `${formatAuthority(authority)} ended the connection before it had answered (${code}): try again`;
  return new UpstreamRefused({ reason: "unreachable", detail });
}
