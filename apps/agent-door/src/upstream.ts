import { lookup } from "node:dns";
import { connect, type LookupFunction, type Socket } from "node:net";

/** Opens connections to egress-filter. */
export interface Upstream {
  /** A connection that is being made; `allowHalfOpen` where each side may end its half first. */
  dial(options: { readonly allowHalfOpen: boolean }): Socket;
  isReachable(): Promise<boolean>;
}

/** A restarted egress-filter may have another address: this is the longest that the old one is tried. */
const ADDRESS_MS = 5_000;
/** On the same bridge an answer takes a millisecond; an egress-filter that is stopped gives none for minutes. */
const CONNECT_MS = 3_000;

export interface UpstreamOptions {
  readonly host: string;
  readonly port: number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly connectTimeoutMs?: number;
}

/** Remembers the address for some seconds: asking the engine for it costs more than the connection itself. */
export function createUpstream({
  host,
  port,
  now,
  connectTimeoutMs = CONNECT_MS,
}: UpstreamOptions): Upstream {
  let known: { readonly address: string; readonly at: number } | undefined;

  const lookUp: LookupFunction = (name, _options, callback) => {
    if (known !== undefined && now() - known.at < ADDRESS_MS) return callback(null, known.address, 4);
    lookup(name, { family: 4 }, (error, address, family) => {
      if (error === null) known = { address, at: now() };
      callback(error, address, family);
    });
  };

  function dial({ allowHalfOpen }: { readonly allowHalfOpen: boolean }): Socket {
    const options = { host, port, allowHalfOpen, lookup: lookUp, family: 4, autoSelectFamily: false };
    const socket = connect({ ...options, noDelay: true, keepAlive: true });
    socket.on("error", () => (known = undefined));
    const giveUp = () => socket.destroy(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" }));
    const timer = setTimeout(giveUp, connectTimeoutMs);
    const inTime = () => clearTimeout(timer);
    socket.once("connect", inTime).once("close", inTime);
    return socket;
  }

  return {
    dial,
    async isReachable() {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const socket = dial({ allowHalfOpen: false });
      socket.once("connect", () => resolve(true)).once("close", () => resolve(false));
      const isReachable = await promise;
      socket.destroy();
      return isReachable;
    },
  };
}
