import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ServiceName } from "@claws/contracts";
import { type Logger, mutualTlsOptions, peerOf, sendProblem, type ServiceIdentity } from "@claws/service-kit";
import { createConnectHandler } from "./connect-handler.ts";
import { LISTENER_LIMITS } from "./listener-limits.ts";
import { createParseErrorHandler } from "./parse-error-handler.ts";
import type { Admit, Identify } from "./pipeline.ts";
import { readTunnelRequest } from "./read-request.ts";
import { problemOf } from "./refusal.ts";
import type { OpenTunnel } from "./tunnel.ts";

export interface ServiceListenerParts {
  readonly admit: Admit;
  readonly openTunnel: OpenTunnel;
  readonly identity: ServiceIdentity;
  readonly logger: Logger;
}

const MAX_CONNECTIONS = 512;

/** The one service that has business outside. */
const PEER: ServiceName = "model-gateway";

/** The proxy of our own services: CONNECT only, over mutual TLS, for one peer. */
export function createServiceListener({ admit, openTunnel, identity, logger }: ServiceListenerParts): Server {
  const server = createServer(
    { ...LISTENER_LIMITS, ...mutualTlsOptions(identity), allowHalfOpen: true },
    ({ url = "", method = "" }, response) => {
      const detail = "this listener takes CONNECT host:port and nothing else";
      const reading = { ok: false, reason: "bad_request", detail, target: url, method } as const;
      admit(reading, () => ({ ok: false, detail }), "request").then(
        (admission) => (admission.ok ? response.destroy() : sendProblem(response, problemOf(admission))),
        (error: unknown) => {
          logger.error({ err: error }, "unexpected error");
          response.destroy();
        },
      );
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  const handleConnect = createConnectHandler({ admit, openTunnel, logger });
  server.on("connect", (request, client: Socket, head) => {
    handleConnect({ reading: readTunnelRequest(request), identify: identifyPeer(request), client, head });
  });
  server.on("clientError", createParseErrorHandler(admit, logger));
  return server;
}

function identifyPeer(request: IncomingMessage): Identify {
  const peer = peerOf(request.socket as TLSSocket);
  return () =>
    peer === PEER
      ? { ok: true, caller: { kind: "service", service: PEER } }
      : { ok: false, detail: `${peer ?? "an unknown caller"} has no way out here, only ${PEER}` };
}
