import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { createProblem } from "@claws/contracts";
import { createClientLinks } from "./client-link.ts";
import type { ReadCredential } from "./credential.ts";
import { createForward } from "./forward.ts";
import { createTunnelHandler } from "./tunnel.ts";
import type { Upstream } from "./upstream.ts";

/** Wider than egress-filter's: what is too much is for that to refuse, with its reason and its record. */
const LIMITS = {
  maxHeaderSize: 32 * 1024,
  headersTimeout: 30_000,
  // A connection between two requests ends when egress-filter ends its own.
  keepAliveTimeout: 0,
  requestTimeout: 0,
  requireHostHeader: false,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  /** Anything else that a client would like to upgrade to (Java asks for h2c) is an ordinary request. */
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === "websocket",
};

/** In 128 MiB there is room for this many at full speed, and egress-filter has no more places. */
const MAX_CONNECTIONS = 256;

export interface DoorParts {
  readonly upstream: Upstream;
  readonly readCredential: ReadCredential;
}

export interface Door {
  readonly server: Server;
  /** Ends what Node's server does not own any more. */
  readonly closeTunnels: () => void;
}

/** The proxy of one agent: egress-filter's own, with the agent's credential put in. */
export function createDoor({ upstream, readCredential }: DoorParts): Door {
  const tunnels = new Set<Duplex>();
  const tracked =
    (handle: (request: IncomingMessage, client: Duplex, head: Buffer) => void) =>
    (request: IncomingMessage, client: Duplex, head: Buffer): void => {
      tunnels.add(client);
      client.once("close", () => tunnels.delete(client));
      handle(request, client, head);
    };

  const { handleRequest, handleUpgrade } = createForward({
    linkOf: createClientLinks(upstream),
    readCredential,
  });
  const server = createServer(LIMITS, handleRequest);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connect", tracked(createTunnelHandler(upstream, readCredential)));
  server.on("upgrade", tracked(handleUpgrade));
  // Without these two Node answers `Expect` itself; egress-filter has its own opinion of it.
  server.on("checkContinue", handleRequest);
  server.on("checkExpectation", handleRequest);
  server.on("clientError", refuseUnreadable);
  return {
    server,
    closeTunnels() {
      for (const client of tunnels) client.destroy();
    },
  };
}

/** Node's parser took this for no HTTP/1.1: nothing that could be passed on as it came. */
function refuseUnreadable(error: NodeJS.ErrnoException, client: Duplex): void {
  const { code = "" } = error;
  if (!code.startsWith("HPE_") || !client.writable) return void client.destroy();
  const problem = createProblem("request_invalid", {
    service: "agent-door",
    detail: `this is not HTTP/1.1 as a strict parser reads it (${code})`,
    nextSteps: ["send one well-formed HTTP/1.1 request"],
  });
  const body = JSON.stringify(problem);
  const head = [
    "HTTP/1.1 400 Bad Request",
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  client.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  // Closing over unread bytes sends a reset, which can overtake the answer.
  (client as Socket).setTimeout(1_000, () => client.destroy());
}
