import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createProblem } from "@claws/contracts";
import { sendProblem } from "@claws/service-kit";
import httpProxy from "http-proxy";
import { formatAuthority } from "./authority.ts";
import { stripHopByHop } from "./hop-by-hop.ts";
import type { EgressRequest } from "./read-request.ts";

/** Sends a plain HTTP request over a socket that is connected already, and the answer back. */
export type Forward = (
  request: IncomingMessage,
  response: ServerResponse,
  egress: EgressRequest,
  upstream: Socket,
) => void;

/** Gives `http.request` the socket that was judged, so that it has nothing to resolve or to reuse. */
class OneSocketAgent extends Agent {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ keepAlive: false });
    this.#socket = socket;
  }

  override createConnection(): Socket {
    return this.#socket;
  }
}

export function createForward(idleMs: number): Forward {
  const proxy = httpProxy.createProxyServer({ xfwd: false, followRedirects: false });
  const requests = new WeakMap<IncomingMessage, EgressRequest>();

  proxy.on("proxyReq", (outgoing, incoming, response) => {
    const egress = requests.get(incoming);
    // Nobody asked for an upgrade; without a listener Node drops the answer and nobody hears of it.
    outgoing.once("upgrade", (_answer, socket) => {
      socket.destroy();
      failForward(response, outgoing.host);
    });
    // http-proxy collapses `//` in a path; the origin shall see what the rules saw.
    if (egress?.path !== undefined) outgoing.path = egress.path;
    // http-proxy declares the body of a chunked DELETE or OPTIONS empty and then sends it all the same:
    // the origin would take it for a second request, with a method that no rule has allowed.
    if (egress?.isChunked) {
      outgoing.removeHeader("content-length");
      outgoing.setHeader("transfer-encoding", "chunked");
    }
  });
  proxy.on("proxyRes", (answer, _incoming, response) => {
    stripHopByHop(answer.headers);
    delete answer.headers["transfer-encoding"];
    answer.once("close", () => {
      // http-proxy leaves the agent waiting for the rest of an answer that was cut off.
      if (!answer.complete) response.destroy();
    });
    // http-proxy would otherwise promise keep-alive to an agent that has asked to close.
    answer.headers.connection = response.shouldKeepAlive ? "keep-alive" : "close";
  });

  return function forward(request, response, egress, upstream) {
    // http-proxy listens for an event that current Node does not send on an abort and would leak upstream.
    response.once("close", () => upstream.destroy());
    const authority = formatAuthority(egress);
    if (response.destroyed) return void upstream.destroy();
    if (upstream.destroyed) return failForward(response, authority);
    upstream.setTimeout(idleMs, () => upstream.destroy());
    requests.set(request, egress);
    stripHopByHop(request.headers);
    request.headers.host = egress.port === 80 ? egress.host : authority;
    const options = { target: `http://${authority}`, agent: new OneSocketAgent(upstream) };
    proxy.web(request, response, options, () => failForward(response, authority));
  };
}

function failForward(response: ServerResponse, authority: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  response.setHeader("connection", "close");
  const detail = `${authority} ended the connection before it had answered as HTTP/1.1: try again`;
  sendProblem(response, createProblem("destination_unreachable", { service: "egress-filter", detail }));
}
