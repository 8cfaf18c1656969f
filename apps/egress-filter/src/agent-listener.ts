import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "@claws/service-kit";
import { createConnectHandler } from "./connect-handler.ts";
import type { Forward } from "./forward.ts";
import { createHttpDoor } from "./http-door.ts";
import type { Admit, Identify } from "./pipeline.ts";
import { readPlainConnect } from "./plain-connect.ts";
import { readForwardRequest, readTunnelRequest } from "./read-request.ts";
import type { OpenTunnel } from "./tunnel.ts";
import type { CarryWebSocket } from "./websocket.ts";

export interface AgentListenerParts {
  readonly identify: Identify;
  readonly admit: Admit;
  readonly openTunnel: OpenTunnel;
  readonly forward: Forward;
  readonly carryWebSocket: CarryWebSocket;
  readonly logger: Logger;
}

/** For the first bytes of a connection; after them Node's parser has its own limits. */
const FIRST_BYTES_MS = 10_000;

/** The agents' proxy: CONNECT for everything encrypted, absolute-form for plain HTTP. */
export function createAgentListener(parts: AgentListenerParts, maxConnections: number): Server {
  const identify = (_request: IncomingMessage) => parts.identify;
  const server = createHttpDoor({ ...parts, identify, read: readForwardRequest });
  // More than this, and whoever only connects would take all files that this process may have.
  server.maxConnections = maxConnections;
  const handleConnect = createConnectHandler(parts);
  server.on("connect", (request, duplex, head) => {
    const client = duplex as Socket;
    handleConnect({ reading: readTunnelRequest(request), identify: parts.identify, client, head });
  });
  takePlainConnects(server, (client, bytes) => {
    const plain = readPlainConnect(bytes);
    if (plain === undefined) return false;
    const reading = readTunnelRequest(plain.head);
    handleConnect({ reading, identify: parts.identify, client, head: plain.rest });
    return true;
  });
  return server;
}

/**
 * Looks at the first bytes of each connection before Node's HTTP parser does. `take` says whether it has taken the
 * connection; if not, the parser gets it as if nothing had been read.
 */
function takePlainConnects(server: Server, take: (client: Socket, bytes: Buffer) => boolean): void {
  const parse = server.listeners("connection") as ((this: Server, client: Socket) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (client: Socket) => {
    const giveUp = () => void client.destroy();
    client.on("error", giveUp);
    client.setTimeout(FIRST_BYTES_MS, giveUp);
    client.once("data", (bytes: Buffer) => {
      client.setTimeout(0).off("timeout", giveUp);
      client.pause();
      if (take(client, bytes)) return;
      client.off("error", giveUp);
      client.unshift(bytes);
      for (const listener of parse) listener.call(server, client);
      client.resume();
    });
  });
}
