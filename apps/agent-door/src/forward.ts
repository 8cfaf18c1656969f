import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { createProblem } from "@claws/contracts";
import { answerProblem, createLastResponse, createUnreachable } from "./answer.ts";
import type { ReadCredential } from "./credential.ts";
import { formatHead, withBodyLength, withCredential } from "./raw-headers.ts";
import { relay } from "./relay.ts";

export interface ForwardParts {
  readonly linkOf: (client: Socket) => Agent;
  readonly readCredential: ReadCredential;
}

export interface Forward {
  readonly handleRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly handleUpgrade: (request: IncomingMessage, client: Duplex, head: Buffer) => void;
}

/** Passes plain HTTP requests on as they are, but for the credential, and the answers back as they come. */
export function createForward({ linkOf, readCredential }: ForwardParts): Forward {
  /** Undefined when the request is answered already. */
  function open(request: IncomingMessage, response: () => ServerResponse): ClientRequest | undefined {
    const reading = readCredential();
    if (!reading.ok) {
      answerProblem(response(), reading.problem);
      return undefined;
    }
    const { method = "", url } = request;
    const headers = withBodyLength(method, withCredential(request.rawHeaders, reading.credential));
    try {
      // Headers as an array are written as they stand; Node adds none but Connection.
      return httpRequest({ agent: linkOf(request.socket), method, path: url, headers, setHost: false });
    } catch {
      // Node refuses to write what its own parser has let through, for instance a byte of 0x7f in the target.
      const detail = "the request line or a header holds a character that cannot be passed on";
      answerProblem(response(), createProblem("request_invalid", { service: "agent-door", detail }));
      return undefined;
    }
  }

  function fail(
    request: IncomingMessage,
    outgoing: ClientRequest,
    response: ServerResponse,
    error: Error,
  ): void {
    // The connection was closed between two requests: the client shall see that, and send again as it sees fit.
    if (outgoing.reusedSocket && !response.headersSent) return void request.socket.destroy();
    answerProblem(response, createUnreachable(error));
  }

  return {
    handleRequest(request: IncomingMessage, response: ServerResponse): void {
      const outgoing = open(request, () => response);
      if (outgoing === undefined) return;
      outgoing.on("response", (answer) => passBack(answer, response));
      outgoing.on("error", (error) => fail(request, outgoing, response, error));
      response.once("close", () => outgoing.destroy());
      request.pipe(outgoing);
    },

    handleUpgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
      const client = duplex as Socket;
      // From here on Node listens no more.
      client.on("error", () => client.destroy());
      const outgoing = open(request, () => createLastResponse(request, client));
      if (outgoing === undefined) return;
      const giveUp = () => void outgoing.destroy();
      client.once("close", giveUp);
      outgoing.on("upgrade", (answer, upstream, upstreamHead) => {
        client.off("close", giveUp);
        const line = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`;
        client.write(formatHead(line, answer.rawHeaders), "latin1");
        if (upstreamHead.length > 0) client.write(upstreamHead);
        if (head.length > 0) upstream.write(head);
        relay(client, upstream);
      });
      outgoing.on("response", (answer) => passBack(answer, createLastResponse(request, client)));
      outgoing.on("error", (error) => {
        if (!client.destroyed) fail(request, outgoing, createLastResponse(request, client), error);
      });
      outgoing.end();
    },
  };
}

function passBack(answer: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false;
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
  // Not with the first bytes of the body: an event stream may have none for long.
  response.flushHeaders();
  answer.pipe(response);
  answer.once("close", () => {
    if (!answer.complete) response.destroy();
  });
}
