import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "@claws/service-kit";
import type { Forward } from "./forward.ts";
import { createHttpDoor } from "./http-door.ts";
import type { Admit, Admitted, Identify } from "./pipeline.ts";
import { readInnerRequest, type RequestReading } from "./read-request.ts";
import type { TakeInner } from "./tunnel.ts";
import type { CarryWebSocket } from "./websocket.ts";

export interface InnerHttpParts {
  readonly admit: Admit;
  readonly forward: Forward;
  readonly carryWebSocket: CarryWebSocket;
  readonly logger: Logger;
}

/**
 * Plain HTTP inside a tunnel, which is how some clients (undici among them) send `http://` through a proxy. Each
 * request in it is judged like one in absolute-form: the tunnel alone would let it name any host and path.
 */
export function createInnerHttp(parts: InnerHttpParts): TakeInner {
  const tunnels = new WeakMap<Socket, Admitted>();

  function read(request: IncomingMessage): RequestReading {
    const tunnel = tunnels.get(request.socket);
    if (tunnel) return readInnerRequest(request, tunnel.request);
    return {
      ok: false,
      reason: "internal",
      detail: "this connection belongs to no tunnel",
      target: "",
      method: "",
    };
  }

  function identify(request: IncomingMessage): Identify {
    const tunnel = tunnels.get(request.socket);
    return () => (tunnel ? { ok: true, caller: tunnel.caller } : { ok: false, detail: "unknown tunnel" });
  }

  const server = createHttpDoor({ ...parts, read, identify, tunnelOf: ({ socket }) => tunnels.get(socket) });
  // A server that never listens does not look after its connections: without this no slow head would ever be cut.
  server.emit("listening");
  return function takePlainHttp(client, bytes, admitted) {
    tunnels.set(client, admitted);
    client.once("close", () => admitted.finish({ bytesUp: 0, bytesDown: 0 }));
    client.unshift(bytes);
    server.emit("connection", client);
  };
}
