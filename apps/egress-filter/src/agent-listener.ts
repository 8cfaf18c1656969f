import type { IncomingMessage, Server } from "node:http";
import type { Logger } from "@claws/service-kit";
import { createConnectHandler } from "./connect-handler.ts";
import type { Forward } from "./forward.ts";
import { createHttpDoor } from "./http-door.ts";
import type { Admit, Identify } from "./pipeline.ts";
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

/** The agents' proxy: CONNECT for everything encrypted, absolute-form for plain HTTP. */
export function createAgentListener(parts: AgentListenerParts): Server {
  const identify = (_request: IncomingMessage) => parts.identify;
  const server = createHttpDoor({ ...parts, identify, read: readForwardRequest });
  server.on("connect", createConnectHandler({ ...parts, identify, read: readTunnelRequest }));
  return server;
}
