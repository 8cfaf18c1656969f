import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { EgressReason } from "@claws/contracts";
import { sendProblem } from "@claws/service-kit";
import httpProxy from "http-proxy";
import { formatAuthority } from "./authority.ts";
import { nameOf } from "./caller.ts";
import { guardBodyRate } from "./body-rate.ts";
import { endToEndHeaders, stripHopByHop } from "./hop-by-hop.ts";
import { headLength, meterRequest, overrunOf, sendMetered } from "./metered-bodies.ts";
import type { Admitted } from "./pipeline.ts";
import { problemOf, type Refused } from "./refusal.ts";
import type { UpstreamPool, UpstreamPools } from "./upstream-pools.ts";

/** Sends a plain HTTP request to where it was admitted, and the answer back. */
export type Forward = (request: IncomingMessage, response: ServerResponse, admitted: Admitted) => void;

interface Exchange {
  readonly admitted: Admitted;
  readonly fail: (refused: Refused) => void;
  upstream?: Socket;
  /** Where the counters of a connection stood that had been used before. */
  written: number;
  read: number;
}

export function createForward(pools: UpstreamPools, totalMs: () => number): Forward {
  const proxy = httpProxy.createProxyServer({ xfwd: false, followRedirects: false });
  const exchanges = new WeakMap<IncomingMessage, Exchange>();

  proxy.on("proxyReq", (outgoing, incoming, response) => {
    const exchange = exchanges.get(incoming);
    if (exchange === undefined) return void outgoing.destroy();
    const { request } = exchange.admitted;
    const { socket } = outgoing;
    if (socket !== null) {
      exchange.upstream = socket;
      exchange.written = socket.bytesWritten;
      exchange.read = socket.bytesRead;
    }
    // Nobody asked for an upgrade; without a listener Node drops the answer and nobody hears of it.
    outgoing.once("upgrade", (_answer, socket) => {
      socket.destroy();
      exchange.fail(endedEarly(exchange.admitted));
    });
    response.once("close", () => outgoing.destroy());
    // http-proxy collapses `//` in a path; the origin shall see what the rules saw.
    if (request.path !== undefined) outgoing.path = request.path;
    // http-proxy declares the body of a chunked DELETE or OPTIONS empty and then sends it all the same:
    // the origin would take it for a second request, with a method that no rule has allowed.
    if (request.isChunked) {
      outgoing.removeHeader("content-length");
      outgoing.setHeader("transfer-encoding", "chunked");
    }
  });
  // http-proxy's own way of answering merges repeated headers and leaves the agent waiting for what was cut off.
  proxy.on("proxyRes", (answer, incoming, response) => {
    const exchange = exchanges.get(incoming);
    if (exchange === undefined) return void response.destroy();
    answer.once("close", () => {
      if (!answer.complete) response.destroy();
    });
    // The refusal of a request whose body was cut may be out already.
    if (response.headersSent || response.destroyed) return void answer.destroy();
    const { statusCode = 0 } = answer;
    const headers = endToEndHeaders(answer.rawHeaders);
    headers.push("Connection", response.shouldKeepAlive ? "keep-alive" : "close");
    try {
      // Not the origin's own words for the status: they may be such as no server can write.
      response.writeHead(statusCode, STATUS_CODES[statusCode] ?? "Unknown", headers);
    } catch {
      answer.destroy();
      return exchange.fail(endedEarly(exchange.admitted));
    }
    // A stream of events may be silent for a while after its head; what has a length goes out in one piece.
    if (answer.headers["content-length"] === undefined) response.flushHeaders();
    sendMetered(answer, response, exchange.admitted.quota.down, exchange.fail);
  });

  return function forward(request, response, admitted) {
    const { request: egress, caller, addresses, quota, place } = admitted;
    const authority = formatAuthority(egress);
    let reason: EgressReason | undefined;

    function fail(refused: Refused): void {
      reason ??= refused.reason;
      if (response.headersSent || response.destroyed) return void response.destroy();
      response.setHeader("connection", "close");
      sendProblem(response, problemOf(refused));
    }
    const exchange: Exchange = { admitted, fail, written: 0, read: 0 };
    place.hold((because) => {
      reason ??= because;
      response.destroy();
    });
    const total = setTimeout(() => {
      fail({ reason: "total_time", detail: "the request took longer than one may" });
      response.destroy();
    }, totalMs());
    total.unref();
    response.once("close", () => {
      clearTimeout(total);
      const { upstream, written, read } = exchange;
      admitted.finish({
        reason,
        bytesUp: upstream === undefined ? 0 : upstream.bytesWritten - written,
        bytesDown: upstream === undefined ? 0 : upstream.bytesRead - read,
        address: upstream?.remoteAddress,
      });
    });
    if (response.destroyed) {
      clearTimeout(total);
      return admitted.finish({ bytesUp: 0, bytesDown: 0 });
    }

    exchanges.set(request, exchange);
    stripHopByHop(request.headers);
    delete request.headers.expect;
    request.headers.host = egress.port === 80 ? egress.host : authority;
    guardBodyRate(request, () =>
      fail({ reason: "timeout", detail: "the body came too slowly: send it without pausing" }),
    );
    // What a request says in its path and headers leaves as surely as its body does.
    const overrun = overrunOf(quota.up, headLength(request));
    const body = meterRequest(request, quota.up, fail);

    const key = { caller: nameOf(caller), host: egress.host, port: egress.port, addresses };
    async function send(pool: UpstreamPool, isFresh: boolean): Promise<void> {
      const refused = await overrun;
      if (refused) return fail(refused);
      const prepared = await pool.prepare();
      if (response.destroyed) {
        if (prepared.ok) pool.forgo();
        // One of its own is nobody else's: what was dialled for it ends with it.
        if (isFresh) pool.retire();
        return;
      }
      if (!prepared.ok) {
        const detail = `${authority} cannot be reached, ${prepared.detail}: check the port, or try again`;
        return fail({ reason: "unreachable", detail, rule: admitted.rule });
      }
      const options = {
        target: { protocol: "http:", host: authority, hostname: egress.host, port: egress.port },
        agent: pool.agent,
        selfHandleResponse: true,
        // The path is set in `proxyReq`, from what was judged; without this http-proxy parses the URL once more.
        toProxy: true,
        ...(body === undefined ? {} : { buffer: body }),
      };
      proxy.web(request, response, options, (error) => {
        // A connection that had waited may have been closed by the other side at that very moment (RFC 9112 9.3.1).
        const wasStale = !isFresh && !response.headersSent && !response.destroyed && isStale(error);
        if (wasStale) void send(pools.freshPoolFor(key), true);
        else fail(endedEarly(admitted));
      });
    }
    const hasBody = egress.isChunked || (request.headers["content-length"] ?? "0") !== "0";
    // What cannot be sent twice goes over a connection that nobody can have closed in the meantime.
    const isFresh = hasBody || !IDEMPOTENT.has(egress.method);
    void send(isFresh ? pools.freshPoolFor(key) : pools.poolFor(key), isFresh);
  };
}

const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

function isStale(error: NodeJS.ErrnoException): boolean {
  return error.code === "ECONNRESET" || error.code === "EPIPE";
}

function endedEarly({ request, rule }: Admitted): Refused {
  const detail = `${formatAuthority(request)} ended the connection before it had answered as HTTP/1.1: try again`;
  return { reason: "unreachable", detail, rule };
}
