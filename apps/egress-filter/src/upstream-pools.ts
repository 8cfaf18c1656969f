import { Agent, type AgentOptions, type ClientRequest } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dial, Dialled } from "./dial.ts";

/** Connections that wait for another request of the same caller to the same destination. */
const MAX_POOLS = 256;
const MAX_FREE = 16;
const FREE_MS = 15_000;

/** Where a request goes, and for whom: connections are never shared over any of these. */
export interface PoolKey {
  readonly caller: string;
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly [string, ...string[]];
}

export interface UpstreamPools {
  poolFor(key: PoolKey): UpstreamPool;
  /** A connection of its own, for a request whose pooled one turned out to be closed. */
  freshPoolFor(key: PoolKey): UpstreamPool;
  close(): void;
}

/** Connections to one place. `prepare`, and then at once a request: it finds a connection that is open. */
export interface UpstreamPool {
  readonly agent: Agent;
  prepare(): Promise<Pick<Dialled, "ok"> & { readonly detail?: string }>;
  forgo(): void;
  /** Ends what waits. What is in use goes on, and ends with its answer. */
  retire(): void;
}

/** Keeps connections to plain HTTP hosts open, each pool for one caller, host and set of judged addresses. */
export function createUpstreamPools(dial: Dial, idleMs: () => number): UpstreamPools {
  const pools = new Map<string, JudgedAgent>();
  return {
    poolFor(key) {
      const id = `${key.caller} ${key.host}:${key.port} ${[...key.addresses].sort().join(" ")}`;
      const known = pools.get(id);
      if (known) {
        // Last used is last evicted.
        pools.delete(id);
        pools.set(id, known);
        return known;
      }
      const agent = new JudgedAgent({ dial, idleMs }, key, {
        keepAlive: true,
        maxFreeSockets: MAX_FREE,
        scheduling: "lifo",
      });
      pools.set(id, agent);
      const [oldest] = pools.keys();
      if (pools.size > MAX_POOLS && oldest !== undefined) {
        pools.get(oldest)?.retire();
        pools.delete(oldest);
      }
      return agent;
    },
    freshPoolFor: (key) => new JudgedAgent({ dial, idleMs }, key, { keepAlive: false }),
    close() {
      for (const agent of pools.values()) agent.retire();
      pools.clear();
    },
  };
}

interface Dialling {
  readonly dial: Dial;
  /** Silence that ends a connection that is in use. */
  readonly idleMs: () => number;
}

/**
 * Gives `http.request` sockets that were dialled to a judged address before it was called, so that it has nothing to
 * resolve and nothing to wait for. A connection on which anything arrives while nobody has asked is never used again: it
 * would be taken for the answer to the next request.
 */
class JudgedAgent extends Agent implements UpstreamPool {
  readonly agent: Agent = this;
  readonly #dial: Dial;
  readonly #key: PoolKey;
  readonly #idleMs: () => number;
  readonly #ready: Socket[] = [];
  /** Connections that requests were told of and have not taken yet. */
  #promised = 0;
  #isRetired = false;

  constructor({ dial, idleMs }: Dialling, key: PoolKey, options: AgentOptions) {
    super(options);
    this.#dial = dial;
    this.#key = key;
    this.#idleMs = idleMs;
  }

  async prepare(): ReturnType<UpstreamPool["prepare"]> {
    // Whoever was told that there is one takes it a moment later: it is nobody else's until then.
    const promised = this.#promised++;
    if (this.#available() > promised) return { ok: true };
    const dialled = await this.#dial(this.#key.addresses, this.#key.port);
    if (!dialled.ok) {
      this.#promised--;
      return dialled;
    }
    // One that the origin has ended is of no use to the next request.
    dialled.socket.allowHalfOpen = false;
    dialled.socket.setKeepAlive(true, 1_000).setTimeout(this.#idleMs()).on("timeout", onUnasked);
    this.#ready.push(dialled.socket);
    return dialled;
  }

  /** Gives back what `prepare` has promised and nobody needs any more. */
  forgo(): void {
    this.#promised--;
  }

  #available(): number {
    let free = 0;
    for (const sockets of Object.values(this.freeSockets)) free += sockets?.length ?? 0;
    return free + this.#ready.length;
  }

  override createConnection(): Socket {
    this.#promised--;
    // None is left when a waiting one was closed this very moment: the request fails at once, and is tried again.
    return this.#ready.pop() ?? new Socket().destroy(new ClosedError());
  }

  override keepSocketAlive(stream: Duplex): boolean {
    const socket = stream as Socket;
    if (this.#isRetired || socket.readableLength > 0) return false;
    socket.setTimeout(FREE_MS);
    socket.on("data", onUnasked);
    return true;
  }

  override reuseSocket(stream: Duplex, request: ClientRequest): void {
    const socket = stream as Socket;
    this.#promised--;
    socket.off("data", onUnasked);
    socket.setTimeout(this.#idleMs());
    super.reuseSocket(socket, request);
  }

  /** Ends what waits. What is in use goes on, and ends with its answer. */
  retire(): void {
    this.#isRetired = true;
    for (const socket of this.#ready.splice(0)) socket.destroy();
    for (const sockets of Object.values(this.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
  }
}

/** Nothing came for too long, or something came that nobody had asked for. */
function onUnasked(this: Socket): void {
  this.destroy();
}

class ClosedError extends Error {
  readonly code = "ECONNRESET";
}
