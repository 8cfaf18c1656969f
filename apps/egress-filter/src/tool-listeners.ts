import type { Server } from "node:http";
import { networkInterfaces } from "node:os";
import { close, listen, type Logger } from "@claws/service-kit";
import { isInRanges } from "./address-class.ts";
import type { DnsServer } from "./dns/dns-server.ts";

export interface ToolListeners {
  /** Opens and closes listeners until they fit the networks that this container is in. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export interface ToolListenersParts {
  /** The range in which the launcher makes networks for MCP servers. */
  readonly pool: string;
  readonly port: number;
  readonly createListener: () => Server;
  readonly createDns: (address: string) => DnsServer;
  readonly logger: Logger;
  readonly ownAddresses?: () => string[];
}

const POLL_MS = 500;

/**
 * The launcher puts this container into a network of its own for every MCP server that may go out. A listener is bound to
 * each of those addresses, and to no other: what the network does not carry cannot be reached from it.
 */
export function createToolListeners(parts: ToolListenersParts): ToolListeners {
  const { pool, port, createListener, createDns, logger, ownAddresses = readOwnAddresses } = parts;
  const open = new Map<string, () => Promise<void>>();
  let isLooking = false;

  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    try {
      const wanted = new Set(ownAddresses().filter((address) => isInRanges(address, [pool])));
      for (const [address, stop] of open) {
        if (wanted.has(address)) continue;
        open.delete(address);
        await stop();
        logger.info({ host: address, port }, "stopped listening on a server's network");
      }
      for (const address of wanted) if (!open.has(address)) await openOn(address);
    } finally {
      isLooking = false;
    }
  }

  async function openOn(address: string): Promise<void> {
    const proxy = createListener();
    const dns = createDns(address);
    const stop = async () => {
      dns.drain();
      await Promise.allSettled([close(proxy, 0), close(dns.listener.server, 0), dns.close()]);
    };
    try {
      await listen(proxy, port, address);
      await listen(dns.listener.server, dns.listener.port, address);
      await dns.start();
    } catch (error) {
      // The address may be gone again; the next look tells.
      logger.warn({ err: error, host: address }, "cannot listen on a server's network yet");
      return stop();
    }
    open.set(address, stop);
    logger.info({ host: address, port }, "listening on a server's network");
  }

  /** What is open stays open when the system does not say where we are. */
  function lookAgain(): void {
    look().catch((error: unknown) => logger.warn({ err: error }, "cannot look at our networks"));
  }

  const timer = setInterval(lookAgain, POLL_MS);
  timer.unref();
  return {
    look,
    async close() {
      clearInterval(timer);
      await Promise.all([...open.values()].map((stop) => stop()));
      open.clear();
    },
  };
}

/** IPv4 addresses of this container. Interfaces are read each time: Docker attaches networks to a running one. */
export function readOwnAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
