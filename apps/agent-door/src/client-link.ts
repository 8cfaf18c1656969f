import { Agent } from "node:http";
import type { Socket } from "node:net";
import type { Upstream } from "./upstream.ts";

/**
 * One connection to egress-filter for each of the client's own, so that both end together: to the client it
 * is as if it spoke to egress-filter itself, and its own rules for reuse and retry hold.
 */
class ClientLink extends Agent {
  readonly #upstream: Upstream;
  readonly #client: Socket;

  constructor(upstream: Upstream, client: Socket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#upstream = upstream;
    this.#client = client;
    client.once("close", () => this.destroy());
  }

  override createConnection(): Socket {
    const socket = this.#upstream.dial({ allowHalfOpen: false });
    socket.once("close", () => {
      const isIdle = Object.keys(this.sockets).length === 0 && Object.keys(this.requests).length === 0;
      if (isIdle) this.#client.destroySoon();
    });
    return socket;
  }
}

/** The agent (in Node's sense) of a client's connection, the same for all of its requests. */
export function createClientLinks(upstream: Upstream): (client: Socket) => Agent {
  const links = new WeakMap<Socket, ClientLink>();
  return (client) => {
    const link = links.get(client) ?? new ClientLink(upstream, client);
    links.set(client, link);
    return link;
  };
}
