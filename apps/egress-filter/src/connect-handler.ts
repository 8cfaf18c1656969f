import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "@claws/service-kit";
import type { Admit, Identify } from "./pipeline.ts";
import type { RequestReading } from "./read-request.ts";
import { problemOf } from "./refusal.ts";
import { refuseOnSocket } from "./refuse-on-socket.ts";
import type { OpenTunnel } from "./tunnel.ts";

export interface ConnectHandlerParts {
  readonly read: (request: IncomingMessage) => RequestReading;
  readonly identify: (request: IncomingMessage) => Identify;
  readonly admit: Admit;
  readonly openTunnel: OpenTunnel;
  readonly logger: Logger;
}

/** Answers CONNECT: the one thing that both listeners do. */
export function createConnectHandler({ read, identify, admit, openTunnel, logger }: ConnectHandlerParts) {
  async function answer(request: IncomingMessage, client: Socket, head: Buffer): Promise<void> {
    const admission = await admit(read(request), identify(request), "tunnel");
    if (admission.ok) await openTunnel(client, head, admission);
    else refuseOnSocket(client, problemOf(admission));
  }

  return function handleConnect(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const client = duplex as Socket;
    // From here on Node listens no more, and a reset while we wait must not end the process.
    client.on("error", () => client.destroy());
    answer(request, client, head).catch((error: unknown) => {
      logger.error({ err: error }, "unexpected error");
      client.destroy();
    });
  };
}
