import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { performServerHandshake, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { createSecureContext, getCACertificates, type TLSSocket } from "node:tls";
import type { IssuedCertificate } from "@claws/certificates";
import type { CompiledPolicy } from "@claws/contracts";
import type { Logger } from "@claws/service-kit";
import { LISTENER_LIMITS } from "../listener-limits.ts";
import type { RequestReading } from "../read-request.ts";
import { problemOf } from "../refusal.ts";
import { refuseOnSocket } from "../refuse-on-socket.ts";
import type { RelayLimits } from "../relay.ts";
import { createContentJudges } from "./content-judges.ts";
import type { Exchange } from "./exchange.ts";
import { createHostDoors } from "./host-doors.ts";
import { createHttp1Exchange, createUpgradeExchange } from "./http1-exchange.ts";
import { createHttp2Exchange } from "./http2-exchange.ts";
import type { Inspection } from "./inspection.ts";
import { readInspectedRequest, readInspectedStream } from "./read-inspected-request.ts";
import { relayExchange, type RelayParts } from "./relay-exchange.ts";
import { createSecretStore } from "./secret-store.ts";
import { createUpstream } from "./upstream.ts";

export interface InspectorParts {
  /** The authority that the agent trusts: `inspection-ca.json` of bootstrap. */
  readonly authority: IssuedCertificate;
  /** Further authorities, PEM, that a destination's certificate may come from, beside the public ones. */
  readonly extraAuthorities?: string | undefined;
  readonly secretsDirectory: string;
  /** Asked for each tunnel, so that a reload counts from the next one on. */
  readonly policy: () => CompiledPolicy;
  readonly limits: () => RelayLimits;
  readonly logger: Logger;
}

/** Takes over an open tunnel, and is done when both its ends are closed. Never rejects. */
export type Inspect = (inspection: Inspection) => Promise<void>;

/** A tunnel with what is needed to answer the requests in it. */
interface Tunnel {
  readonly parts: RelayParts;
  requests: number;
  /** Requests of HTTP/1.1 that are not answered to the end yet. */
  unanswered: number;
}

const KEEP_ALIVE_MS = 60_000;
const MOST_STREAMS = 100;

/**
 * TLS inspection: ends the client's TLS with a certificate of our own, judges every request in it, and speaks to
 * the destination over TLS that is verified here. HTTP/1.1 and HTTP/2 on both sides.
 */
export function createInspector(parts: InspectorParts): Inspect {
  const { logger, limits } = parts;
  const doorOf = createHostDoors(parts.authority);
  const readSecret = createSecretStore(parts.secretsDirectory);
  const judgesOf = createContentJudges(readSecret);
  const upstreamContext =
    parts.extraAuthorities === undefined
      ? undefined
      : createSecureContext({
          ca: [...getCACertificates("default"), parts.extraAuthorities],
          minVersion: "TLSv1.2",
        });
  const tunnels = new WeakMap<Socket, Tunnel>();
  const server = createHttp1Server(tunnels, logger);

  async function inspect(inspection: Inspection): Promise<void> {
    const { client, head, authority } = inspection;
    client.on("error", () => client.destroy());
    const shakeHands = await doorOf(authority.host);
    const handshake = await shakeHands(client, head);
    if (!handshake.ok) {
      return inspection.onHandshakeFailed({ reason: "tls_failed", detail: handshake.detail });
    }
    const { socket, isHttp2 } = handshake;
    const { idleMs } = limits();
    const upstream = createUpstream({
      authority,
      dial: inspection.dial,
      secureContext: upstreamContext,
      isHttp2,
      idleMs,
    });
    const tunnel: Tunnel = {
      parts: { inspection, upstream, readSecret, limits, ...judgesOf(parts.policy()) },
      requests: 0,
      unanswered: 0,
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once("close", resolve);
    if (isHttp2) serveHttp2(socket, tunnel, idleMs, logger);
    else {
      tunnels.set(socket, tunnel);
      server.timeout = idleMs;
      server.emit("connection", socket);
    }
    await promise;
    upstream.close();
    // Clients that verify after the handshake (Node among them) leave without an alert.
    if (tunnel.requests === 0) {
      const detail =
        "the client left after the TLS handshake without a request: it may not accept our certificate";
      inspection.onHandshakeFailed({ reason: "tls_failed", detail });
    }
  }

  return async function inspectTunnel(inspection) {
    try {
      await inspect(inspection);
    } catch (error) {
      logger.error({ err: error }, "unexpected error");
      inspection.client.destroy();
    }
  };
}

function run(exchange: Exchange, tunnel: Tunnel, logger: Logger): void {
  tunnel.requests++;
  relayExchange(exchange, tunnel.parts).catch((error: unknown) => {
    logger.error({ err: error }, "unexpected error");
    exchange.abort();
  });
}

function createHttp1Server(tunnels: WeakMap<Socket, Tunnel>, logger: Logger): Server {
  const server = createServer({ ...LISTENER_LIMITS, requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS });

  function readIn(request: IncomingMessage, tunnel: Tunnel): RequestReading {
    return readInspectedRequest(request, tunnel.parts.inspection.authority);
  }
  const take = (request: IncomingMessage, response: ServerResponse) => {
    const tunnel = tunnels.get(request.socket);
    if (tunnel === undefined) return void request.socket.destroy();
    tunnel.unanswered++;
    response.once("close", () => tunnel.unanswered--);
    run(createHttp1Exchange(request, response, readIn(request, tunnel)), tunnel, logger);
  };
  server.on("request", take).on("checkContinue", take).on("checkExpectation", take);
  server.on("upgrade", (request, duplex, head) => {
    const socket = duplex as TLSSocket;
    const tunnel = tunnels.get(socket);
    // Behind a request that is not answered yet the socket is not free, and nobody honest asks for it there.
    if (tunnel === undefined || tunnel.unanswered > 0) return void socket.destroy();
    run(createUpgradeExchange(request, socket, head, readIn(request, tunnel)), tunnel, logger);
  });

  function refuseUnread(socket: Socket, reading: RequestReading): void {
    const tunnel = tunnels.get(socket);
    if (tunnel === undefined || tunnel.unanswered > 0) return void socket.destroy();
    tunnel.requests++;
    tunnel.parts.inspection.judge(reading).then(
      (verdict) => (verdict.ok ? socket.destroy() : refuseOnSocket(socket, problemOf(verdict))),
      (error: unknown) => {
        logger.error({ err: error }, "unexpected error");
        socket.destroy();
      },
    );
  }
  server.on("connect", (request, duplex) => {
    const detail = "no further tunnel is opened inside an inspected one";
    const target = request.url ?? "";
    refuseUnread(duplex as Socket, { ok: false, reason: "upgrade", detail, target, method: "CONNECT" });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    const { code = "" } = error;
    const isSlow = code === "ERR_HTTP_REQUEST_TIMEOUT";
    // The rest are connections that broke or went silent; nobody is there to read an answer.
    if (!(isSlow || code.startsWith("HPE_")) || !socket.writable) return void socket.destroy();
    const detail = isSlow
      ? "the head of the request did not arrive in time"
      : `this is not HTTP/1.1 as a strict parser reads it (${code})`;
    const reason = isSlow ? "timeout" : "bad_request";
    refuseUnread(socket, { ok: false, reason, detail, target: "(unreadable)", method: "" });
  });
  // Connections come from tunnels and not from a port. Without this event Node never looks for slow heads.
  server.emit("listening");
  return server;
}

function serveHttp2(socket: TLSSocket, tunnel: Tunnel, idleMs: number, logger: Logger): void {
  const session = performServerHandshake(socket, {
    settings: {
      maxConcurrentStreams: MOST_STREAMS,
      maxHeaderListSize: LISTENER_LIMITS.maxHeaderSize,
      enablePush: false,
    },
  });
  session.setTimeout(idleMs, () => session.destroy());
  session.on("error", () => session.destroy());
  session.once("close", () => socket.destroy());
  session.on(
    "stream",
    (stream: ServerHttp2Stream, _headers: unknown, _flags: number, rawHeaders: string[]) => {
      const reading = readInspectedStream(rawHeaders, tunnel.parts.inspection.authority);
      run(createHttp2Exchange(stream, rawHeaders, reading), tunnel, logger);
    },
  );
}
