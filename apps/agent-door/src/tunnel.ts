import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { answerProblem, createLastResponse, createUnreachable } from "./answer.ts";
import type { ReadCredential } from "./credential.ts";
import { formatHead, withCredential } from "./raw-headers.ts";
import { relay } from "./relay.ts";
import type { Upstream } from "./upstream.ts";

/** Passes CONNECT on with the credential, and from then on bytes: egress-filter's answer is the first of them. */
export function createTunnelHandler(upstream: Upstream, readCredential: ReadCredential) {
  return function tunnel(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const client = duplex as Socket;
    // From here on Node listens no more.
    client.on("error", () => client.destroy());
    const reading = readCredential();
    if (!reading.ok) return answerProblem(createLastResponse(request, client), reading.problem);

    const filter = upstream.dial({ allowHalfOpen: true });
    const refuse = (error: Error) => {
      client.off("close", giveUp);
      answerProblem(createLastResponse(request, client), createUnreachable(error));
    };
    const giveUp = () => filter.destroy();
    client.once("close", giveUp);
    filter.once("error", refuse);
    filter.once("connect", () => {
      client.off("close", giveUp);
      filter.off("error", refuse);
      const line = `CONNECT ${request.url} HTTP/${request.httpVersion}`;
      filter.write(formatHead(line, withCredential(request.rawHeaders, reading.credential)), "latin1");
      if (head.length > 0) filter.write(head);
      relay(client, filter);
    });
  };
}
