import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Logger, sendProblem } from "@claws/service-kit";
import type { Forward } from "./forward.ts";
import { LISTENER_LIMITS } from "./listener-limits.ts";
import { createParseErrorHandler } from "./parse-error-handler.ts";
import type { Admit, Admitted, Identify } from "./pipeline.ts";
import type { RequestReading } from "./read-request.ts";
import { problemOf } from "./refusal.ts";
import { PROXY_CHALLENGE, refuseOnSocket } from "./refuse-on-socket.ts";
import type { CarryWebSocket } from "./websocket.ts";

export interface HttpDoorParts {
  readonly read: (request: IncomingMessage) => RequestReading;
  readonly identify: (request: IncomingMessage) => Identify;
  readonly admit: Admit;
  /** The tunnel that a request came through, where requests come through tunnels. */
  readonly tunnelOf?: (request: IncomingMessage) => Admitted | undefined;
  readonly forward: Forward;
  readonly carryWebSocket: CarryWebSocket;
  readonly logger: Logger;
}

/** A server for readable HTTP/1.1: every request is admitted by itself, then forwarded. */
export function createHttpDoor(parts: HttpDoorParts): Server {
  const { read, identify, admit, tunnelOf, forward, carryWebSocket, logger } = parts;

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    isWaiting: boolean,
  ): Promise<void> {
    const admission = await admit(read(request), identify(request), "request", tunnelOf?.(request));
    if (!admission.ok) {
      response.setHeader("connection", "close");
      if (admission.reason === "auth") response.setHeader("proxy-authenticate", PROXY_CHALLENGE);
      return sendProblem(response, problemOf(admission));
    }
    // Only now may the client send the body that it holds back (RFC 9110 section 10.1.1).
    if (isWaiting) response.writeContinue();
    forward(request, response, admission);
  }

  /** Requests on a connection that are not answered to the end yet. */
  const unanswered = new WeakMap<Duplex, number>();

  function handle(isWaiting: boolean): RequestListener {
    return (request, response) => {
      const { socket } = request;
      unanswered.set(socket, (unanswered.get(socket) ?? 0) + 1);
      response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
      answer(request, response, isWaiting).catch((error: unknown) => {
        logger.error({ err: error }, "unexpected error");
        response.destroy();
      });
    };
  }

  async function upgrade(request: IncomingMessage, client: Socket, head: Buffer): Promise<void> {
    const admission = await admit(read(request), identify(request), "tunnel", tunnelOf?.(request));
    if (admission.ok) await carryWebSocket(request, client, head, admission);
    else refuseOnSocket(client, problemOf(admission));
  }

  const server = createServer(LISTENER_LIMITS, handle(false));
  // Without these Node answers `Expect` itself, before anything was decided.
  server.on("checkContinue", handle(true));
  server.on("checkExpectation", handle(false));
  server.on("upgrade", (request, duplex: Duplex, head) => {
    const client = duplex as Socket;
    client.on("error", () => client.destroy());
    // Behind a request that is not answered yet the connection is not free, and nobody honest asks for it there.
    if ((unanswered.get(duplex) ?? 0) > 0) return void client.destroy();
    upgrade(request, client, head).catch((error: unknown) => {
      logger.error({ err: error }, "unexpected error");
      client.destroy();
    });
  });
  server.on("clientError", createParseErrorHandler(admit, logger));
  return server;
}
