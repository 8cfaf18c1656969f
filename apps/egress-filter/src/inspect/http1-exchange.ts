import { type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Problem } from "@claws/contracts";
import type { RequestReading } from "../read-request.ts";
import type { Exchange } from "./exchange.ts";

const LINGER_MS = 1_000;

/** An exchange of HTTP/1.1 inside an inspected tunnel. */
export function createHttp1Exchange(
  request: IncomingMessage,
  response: ServerResponse,
  reading: RequestReading,
): Exchange {
  const length = request.headers["content-length"];
  const hasBody = request.headers["transfer-encoding"] !== undefined || (length ?? "0") !== "0";
  response.sendDate = false;
  request.on("error", () => response.destroy());
  response.on("error", () => response.destroy());
  return {
    reading,
    rawHeaders: request.rawHeaders,
    isHttp2: false,
    body: hasBody ? request : undefined,
    isBodyWhole: () => request.complete,
    upgrade: undefined,
    invite() {
      if (request.headers.expect !== undefined && !response.headersSent) response.writeContinue();
    },
    refuse(problem) {
      if (response.headersSent || response.destroyed) return void response.destroy();
      response.shouldKeepAlive = false;
      response.writeHead(problem.status, headersOf(problem));
      if (!hasBody || request.complete) return void response.end(JSON.stringify(problem));
      // Closing over unread bytes sends a reset, which can overtake the answer: the rest is read for a moment.
      response.write(JSON.stringify(problem));
      const timer = setTimeout(() => response.end(), LINGER_MS);
      response.once("close", () => clearTimeout(timer));
      request.once("end", () => response.end()).resume();
    },
    answer({ status, rawHeaders }, hasAnswerBody) {
      // An answer before the end of the request: what is left of it must not be taken for the next one.
      if (hasBody && !request.complete) response.shouldKeepAlive = false;
      response.writeHead(status, STATUS_CODES[status] ?? "", [...rawHeaders]);
      if (!hasAnswerBody) response.end();
      else response.flushHeaders();
      return response;
    },
    setTrailers() {
      // A client of HTTP/1.1 has to announce that it takes them, and hardly any does.
    },
    abort: () => void response.destroy(),
    onGone(listener) {
      if (response.closed || response.destroyed) return listener();
      response.once("close", () => {
        if (!response.writableFinished) listener();
      });
    },
  };
}

/** The request of a WebSocket: Node has handed over the bare socket, with what followed the request in `head`. */
export function createUpgradeExchange(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  reading: RequestReading,
): Exchange {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => {
    response.detachSocket(socket);
    socket.end();
  });
  const exchange = createHttp1Exchange(request, response, reading);

  function upgrade(raw: readonly string[]): Socket {
    response.detachSocket(socket);
    const lines = ["HTTP/1.1 101 Switching Protocols"];
    for (let index = 0; index + 1 < raw.length; index += 2) lines.push(`${raw[index]}: ${raw[index + 1]}`);
    socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
    if (head.length > 0) socket.unshift(head);
    return socket;
  }
  return {
    ...exchange,
    upgrade,
    abort: () => void socket.destroy(),
    onGone(listener) {
      if (socket.destroyed) return listener();
      socket.once("close", listener);
    },
  };
}

export function headersOf(problem: Problem): Record<string, string | number> {
  return {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(JSON.stringify(problem)),
  };
}
