import type { Socket } from "node:net";
import type { Logger } from "@claws/service-kit";
import type { Admit, Identify } from "./pipeline.ts";
import type { RequestReading } from "./read-request.ts";
import { problemOf } from "./refusal.ts";
import { refuseOnSocket } from "./refuse-on-socket.ts";
import type { OpenTunnel } from "./tunnel.ts";

export interface ConnectHandlerParts {
  readonly admit: Admit;
  readonly openTunnel: OpenTunnel;
  readonly logger: Logger;
}

/** What was read of a CONNECT, who says so, and the connection with what came behind the head. */
export interface ConnectRequest {
  readonly reading: RequestReading;
  readonly identify: Identify;
  readonly client: Socket;
  readonly head: Buffer;
}

/** Answers CONNECT: the one thing that all listeners do. */
export type HandleConnect = (request: ConnectRequest) => void;

export function createConnectHandler({ admit, openTunnel, logger }: ConnectHandlerParts): HandleConnect {
  async function answer({ reading, identify, client, head }: ConnectRequest): Promise<void> {
    const admission = await admit(reading, identify, "tunnel");
    if (admission.ok) await openTunnel(client, head, admission);
    else refuseOnSocket(client, problemOf(admission));
  }

  return function handleConnect(request) {
    const { client } = request;
    // From here on Node listens no more, and a reset while we wait must not end the process.
    client.on("error", () => client.destroy());
    answer(request).catch((error: unknown) => {
      logger.error({ err: error }, "unexpected error");
      client.destroy();
    });
  };
}
