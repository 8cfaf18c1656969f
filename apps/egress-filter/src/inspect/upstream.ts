import { Agent, type ClientRequest, request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { type Authority, formatAuthority } from "../authority.ts";
import type { Dialled } from "../dial.ts";
import type { Refused } from "../refusal.ts";

/** The destination's end of one client connection: never shared with another client or host. */
export interface Upstream {
  /** The session to use when both ends speak HTTP/2; undefined when the destination does not. */
  http2(): Promise<ClientHttp2Session | undefined>;
  http1(options: Http1Options): ClientRequest;
  close(): void;
}

export interface Http1Options {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
}

export interface UpstreamParts {
  readonly authority: Authority;
  readonly dial: () => Promise<Dialled>;
  readonly secureContext: SecureContext | undefined;
  /** Whether the client speaks HTTP/2, and so HTTP/2 is worth offering. */
  readonly isHttp2: boolean;
  readonly idleMs: number;
}

/** A connection that could not be had; the message is for nobody, `refused` for the agent. */
export class UpstreamRefused extends Error {
  override readonly name = "UpstreamRefused";
  readonly refused: Refused;

  constructor(refused: Refused) {
    super(refused.detail);
    this.refused = refused;
  }
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Connections at once for one client that speaks HTTP/2 to a destination that does not. */
const MAX_SOCKETS = 8;
/** How long an unused connection is kept: most servers give it up soon after. */
const FREE_MS = 15_000;

export function createUpstream({ authority, dial, secureContext, isHttp2, idleMs }: UpstreamParts): Upstream {
  const sockets = new Set<Socket>();
  let isClosed = false;
  let session: Promise<ClientHttp2Session | undefined> | undefined;
  /** A connection that was made to ask for HTTP/2 and got HTTP/1.1: the next request has it. */
  let spare: TLSSocket | undefined;
  let speaksHttp2 = isHttp2;

  async function open(protocols: string[]): Promise<TLSSocket> {
    if (isClosed) throw new UpstreamRefused({ reason: "unreachable", detail: "the client is gone" });
    const dialled = await dial();
    if (!dialled.ok) {
      const detail = `${formatAuthority(authority)} cannot be reached, ${dialled.detail}: check the port, or try again`;
      throw new UpstreamRefused({ reason: "unreachable", detail });
    }
    if (isClosed) dialled.socket.destroy();
    return secure(dialled.socket, protocols);
  }

  /** Verifies the certificate that the destination really has: what the client can no longer do by itself. */
  async function secure(socket: Socket, protocols: string[]): Promise<TLSSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const secured = connectTls({
      socket,
      host: authority.literal ?? authority.host,
      ...(authority.literal === undefined ? { servername: authority.host } : {}),
      ALPNProtocols: protocols,
      minVersion: "TLSv1.2",
      ...(secureContext ? { secureContext } : {}),
    });
    secured.setNoDelay(true);
    // The dialled socket is made for tunnels. Here a destination that ends its half is done with the connection.
    secured.allowHalfOpen = false;
    sockets.add(secured);
    const timer = setTimeout(() => secured.destroy(new Error("timeout")), HANDSHAKE_TIMEOUT_MS);
    secured.once("secureConnect", () => resolve(secured));
    secured.on("error", (error) => {
      reject(new UpstreamRefused(explain(authority, error)));
      secured.destroy();
    });
    secured.once("close", () => {
      sockets.delete(secured);
      socket.destroy();
      reject(new UpstreamRefused(explain(authority, new Error("closed"))));
    });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async function openSession(): Promise<ClientHttp2Session | undefined> {
    const socket = await open(["h2", "http/1.1"]);
    if (socket.alpnProtocol !== "h2") {
      speaksHttp2 = false;
      spare = socket;
      return undefined;
    }
    const opened = connectHttp2(`https://${formatAuthority(authority)}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    });
    opened.on("error", () => opened.destroy());
    opened.setTimeout(idleMs, () => opened.destroy());
    const forget = () => {
      session = undefined;
    };
    opened.once("close", forget).once("goaway", forget);
    return opened;
  }

  class VerifiedAgent extends Agent {
    override createConnection(
      _options: unknown,
      callback?: (error: Error | null, stream: Duplex) => void,
    ): Duplex {
      const ready = spare;
      spare = undefined;
      const opening = ready?.writable ? Promise.resolve(ready) : open(["http/1.1"]);
      void handOver(opening, callback);
      // Nothing to give yet: the callback does.
      return undefined as never;
    }

    /** What arrives while nobody has asked would be taken for the answer to the next request. */
    override keepSocketAlive(stream: Duplex): boolean {
      const socket = stream as Socket;
      if (socket.readableLength > 0) return false;
      socket.setTimeout(FREE_MS, () => socket.destroy());
      socket.on("data", destroyThis);
      return true;
    }

    override reuseSocket(stream: Duplex, request: ClientRequest): void {
      const socket = stream as Socket;
      socket.off("data", destroyThis);
      socket.setTimeout(0).removeAllListeners("timeout");
      super.reuseSocket(socket, request);
    }
  }
  const agent = new VerifiedAgent({ keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: "lifo" });

  return {
    async http2() {
      if (!speaksHttp2) return undefined;
      session ??= openSession().catch((error: unknown) => {
        session = undefined;
        throw error;
      });
      return session;
    },
    http1({ method, path, headers }) {
      const request = httpRequest({
        agent,
        host: authority.literal ?? authority.host,
        port: authority.port,
        method,
        path,
        setHost: false,
        headers,
      });
      request.setTimeout(idleMs, () => request.destroy(new Error("idle")));
      return request;
    },
    close() {
      isClosed = true;
      agent.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function handOver(
  opening: Promise<TLSSocket>,
  take: ((error: Error | null, stream: Duplex) => void) | undefined,
): Promise<void> {
  let socket: TLSSocket;
  try {
    socket = await opening;
  } catch (error) {
    return take?.(error as Error, undefined as never);
  }
  take?.(null, socket);
}

function destroyThis(this: Socket): void {
  this.destroy();
}

/** OpenSSL's names for a chain that does not verify, and Node's for a name that is not in it. */
const CERTIFICATE_CODES = /CERT|ISSUER|SIGNATURE|ALTNAME|HOSTNAME|CHAIN|CA_|CRL|PURPOSE/;

function explain(authority: Authority, { code = "", message }: NodeJS.ErrnoException): Refused {
  const where = formatAuthority(authority);
  if (CERTIFICATE_CODES.test(code)) {
    return { reason: "upstream_tls_failed", detail: `the certificate of ${where} does not hold (${code})` };
  }
  const said = code === "" ? message : code;
  return { reason: "upstream_tls_failed", detail: `the TLS handshake with ${where} failed (${said})` };
}
