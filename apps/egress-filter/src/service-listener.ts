import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";
import type { ServiceName } from "@claws/contracts";
import { type Logger, mutualTlsOptions, peerOf, sendProblem, type ServiceIdentity } from "@claws/service-kit";
import { createConnectHandler } from "./connect-handler.ts";
import { LISTENER_LIMITS } from "./listener-limits.ts";
import { createParseErrorHandler } from "./parse-error-handler.ts";
import type { Admit } from "./pipeline.ts";
import { readTunnelRequest, type RequestReading } from "./read-request.ts";

export interface ServiceListenerParts {
  readonly admit: Admit;
  readonly identity: ServiceIdentity;
  readonly idleMs: number;
  readonly logger: Logger;
}

/** The one service that has business outside. */
const PEER: ServiceName = "model-gateway";

/** The proxy of our own services: CONNECT only, over mutual TLS, for one peer. */
export function createServiceListener({ admit, identity, idleMs, logger }: ServiceListenerParts): Server {
  const server = createServer(
    { ...LISTENER_LIMITS, ...mutualTlsOptions(identity), allowHalfOpen: true },
    (request, response) => {
      admit(
        refuse(request, "request_invalid", "this listener takes CONNECT host:port and nothing else"),
      ).then(
        (admission) => (admission.ok ? response.destroy() : sendProblem(response, admission.problem)),
        (error: unknown) => {
          logger.error({ err: error }, "unexpected error");
          response.destroy();
        },
      );
    },
  );
  server.on("connect", createConnectHandler({ read: readOfPeer, admit, idleMs, logger }));
  server.on("clientError", createParseErrorHandler(admit, logger));
  return server;
}

function readOfPeer(request: IncomingMessage): RequestReading {
  const peer = peerOf(request.socket as TLSSocket);
  if (peer === PEER) return readTunnelRequest(request);
  return refuse(
    request,
    "peer_not_allowed",
    `${peer ?? "an unknown caller"} has no way out here, only ${PEER}`,
  );
}

function refuse(
  { url = "", method = "" }: IncomingMessage,
  code: "request_invalid" | "peer_not_allowed",
  reason: string,
): RequestReading {
  return { ok: false, code, reason, target: url, method };
}
