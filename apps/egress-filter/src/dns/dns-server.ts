import { createSocket, type RemoteInfo } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { type Answering, answerMessage } from "./answer-message.ts";
import type { DnsDecision, NameRules } from "./decide-query.ts";
import { MAX_UDP_QUERY, toAddressRecord } from "./dns-message.ts";
import { createFrameReader, toFrame } from "./tcp-frames.ts";
import { createTokenBuckets } from "./token-buckets.ts";

/**
 * Why something got no answer: too many queries, bytes that are no query, a message longer than any query, a
 * TCP client that sends too slowly, does not read, or is one too many, an answer that did not get through.
 */
export type DropCause =
  | "flood"
  | "not_a_query"
  | "oversize"
  | "idle"
  | "unread"
  | "connections"
  | "send_failed";

export interface DnsServerOptions {
  /** This container's address or name on the agents' network: queries are heard there and nowhere else. */
  readonly host: string;
  readonly port: number;
  /** What allowed names resolve to: the proxy, as the agents see it. */
  readonly address: string;
  /** Asked for each query, so that a reloaded policy counts from the next one on. */
  readonly readRules: () => NameRules;
  readonly report: (decision: DnsDecision) => void;
  readonly countDrop: (cause: DropCause) => void;
}

export interface DnsServer {
  /** The TCP half, for whoever listens on a service's behalf. */
  readonly listener: { readonly server: Server; readonly host: string; readonly port: number };
  /** Binds the UDP half and gives its port. */
  start(): Promise<number>;
  /** Ends TCP connections, which no listener ends by itself. */
  drain(): void;
  /** Ends the UDP half. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 32;
/** For a whole message, so that one byte now and then does not hold a place. */
const IDLE_MS = 5_000;
const MAX_TCP_QUERY = 4096;
/** Answers that a client asks for and does not fetch. */
const MAX_UNREAD_BYTES = 64 * 1024;
/** Beyond any agent that resolves names to use them; a few percent of a core. */
const PER_SOURCE = { perSecond: 500, burst: 1_000, maxKeys: 256 };
const OVERALL = { perSecond: 2_000, burst: 4_000, maxKeys: 1 };

/**
 * A name server that knows one address and asks nobody. Each query is answered while it is read, without
 * waiting for anything, over UDP and TCP (RFC 7766); past the limits it is dropped without a word.
 */
export function createDnsServer(options: DnsServerOptions): DnsServer {
  const { host, port, readRules, report, countDrop } = options;
  const answering: Answering = { readRules, synthetic: toAddressRecord(options.address) };
  const takeOfSource = createTokenBuckets(PER_SOURCE);
  const takeOfAll = createTokenBuckets(OVERALL);
  const connections = new Set<Socket>();

  function reply(message: Uint8Array, source: string): Buffer | undefined {
    if (!takeOfSource(source) || !takeOfAll("")) return drop("flood");
    const answer = answerMessage(message, answering);
    if (!answer.ok) return drop("not_a_query");
    report(answer.decision);
    return answer.message;
  }

  function drop(cause: DropCause): undefined {
    countDrop(cause);
  }

  const udp = createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
  udp.on("message", (message: Buffer, { address, port }: RemoteInfo) => {
    // Port 0 is nobody's, and Node throws when it is told to send there.
    if (port === 0) return drop("not_a_query");
    if (message.length > MAX_UDP_QUERY) return drop("oversize");
    const answer = reply(message, address);
    if (answer) udp.send(answer, port, address, (error) => error && countDrop("send_failed"));
  });

  const server = createServer({ noDelay: true }, (socket) => {
    connections.add(socket);
    const source = socket.remoteAddress ?? "";
    const readFrames = createFrameReader(MAX_TCP_QUERY);
    const end = (cause: DropCause) => {
      countDrop(cause);
      socket.destroy();
    };
    const timer = setTimeout(() => end("idle"), IDLE_MS);
    socket.on("close", () => {
      clearTimeout(timer);
      connections.delete(socket);
    });
    // The client reset the connection; "close" follows.
    socket.on("error", () => countDrop("send_failed"));
    socket.on("data", (chunk: Buffer) => {
      const { ok, messages } = readFrames(chunk);
      for (const message of messages) {
        const answer = reply(message, source);
        if (!answer) return void socket.destroy();
        socket.write(toFrame(answer));
        timer.refresh();
      }
      if (!ok) end("oversize");
      else if (socket.writableLength > MAX_UNREAD_BYTES) end("unread");
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("drop", () => countDrop("connections"));

  return {
    listener: { server, host, port },
    async start() {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const fail = (error: Error) =>
        reject(new Error(`cannot listen on ${host}:${port}/udp: ${error.message}`, { cause: error }));
      udp.once("error", fail);
      udp.bind({ address: host, port }, () => {
        udp.off("error", fail);
        udp.on("error", () => countDrop("send_failed"));
        resolve(udp.address().port);
      });
      return promise;
    },
    drain() {
      for (const socket of connections) socket.destroy();
    },
    async close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      udp.close(() => resolve());
      return promise;
    },
  };
}
