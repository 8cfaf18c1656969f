import type { Agent, IncomingMessage, ServerResponse } from "node:http";
import type { ProblemCode } from "@claws/contracts";
import httpProxy from "http-proxy";
import { selectAnswerHeaders, selectForwardedHeaders } from "./forwarded-headers.ts";

export interface ForwardOptions {
  readonly target: string;
  readonly agent: Agent;
  /** Headers that the upstream may trust, since incoming ones of their name are removed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly onFailure: (request: IncomingMessage, response: ServerResponse, failure: ForwardFailure) => void;
}

export interface ForwardFailure {
  readonly code: ProblemCode;
  readonly reason: string;
}

export type Forward = (request: IncomingMessage, response: ServerResponse) => void;

/** Longer than any heartbeat of ours (15 s) and of Dozzle. */
const SILENCE_MS = 120_000;

/** Sends a request on and its answer back, both as streams. The browser's Host is kept, for the origin checks behind. */
export function createForward({ target, agent, headers, onFailure }: ForwardOptions): Forward {
  const proxy = httpProxy.createProxyServer({
    target,
    agent,
    secure: true,
    xfwd: false,
    followRedirects: false,
    changeOrigin: false,
    proxyTimeout: SILENCE_MS,
  });
  proxy.on("proxyReq", (outgoing, _request, response) => {
    // http-proxy 1.18 never ends the upstream request when the browser leaves (http-party/node-http-proxy#1696).
    response.once("close", () => {
      if (!response.writableFinished) outgoing.destroy();
    });
    if (response.destroyed) outgoing.destroy();
  });
  proxy.on("proxyRes", (answer, _request, response) => {
    answer.headers = selectAnswerHeaders(answer.headers);
    // Else a stream's head waits for its first byte; http-proxy copies the head right after this event.
    if (answer.headers["content-type"]?.startsWith("text/event-stream")) {
      queueMicrotask(() => response.flushHeaders());
    }
  });
  return function forward(request, response) {
    const given = selectForwardedHeaders(request.headers);
    request.headers = { ...given, ...headers };
    proxy.web(request, response, {}, (error) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else onFailure(request, response, { code: "service_unavailable", reason: error.message });
    });
  };
}
