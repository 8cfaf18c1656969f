import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect as tlsConnect, rootCertificates, type TLSSocket } from "node:tls";
import { createProblem, Problem } from "@claws/contracts";
import type { ServiceIdentity } from "@claws/service-kit";
import { Agent } from "undici";

export interface EgressOptions {
  readonly host: string;
  readonly port: number;
  readonly identity: ServiceIdentity;
  /** PEM of an authority to trust besides the public ones. */
  readonly upstreamCa: string | undefined;
}

/** No tunnel came about, and so nothing was sent. */
export class TunnelError extends Error {
  override readonly name = "TunnelError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

const CONNECT_TIMEOUT_MS = 10_000;
const LARGEST_REFUSAL = 16 * 1024;

/** An HTTP client whose every connection is a TLS session inside a CONNECT tunnel of egress-filter. */
export function createEgressAgent(options: EgressOptions): Agent {
  return new Agent({
    connect({ hostname, port }, callback) {
      const report = async () => {
        try {
          callback(null, await openConnection(options, hostname, Number(port) || 443));
        } catch (error) {
          callback(asTunnelError(error, hostname), null);
        }
      };
      void report();
    },
  });
}

async function openConnection(options: EgressOptions, hostname: string, port: number): Promise<TLSSocket> {
  const tunnel = await openTunnel(options, `${hostname}:${port}`);
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const address = hostname.replace(/^\[|\]$/g, "");
  const socket = tlsConnect({
    socket: tunnel,
    ...(isIP(address) === 0 ? { servername: address } : { host: address }),
    ca: options.upstreamCa === undefined ? [...rootCertificates] : [...rootCertificates, options.upstreamCa],
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
  });
  // Errors of the outer connection have no other listener and would end the process.
  tunnel.on("error", (error) => socket.destroy(error));
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error("no TLS handshake in time")));
  socket.once("error", reject);
  socket.once("secureConnect", () => {
    socket.off("error", reject);
    socket.setTimeout(0);
    resolve(socket);
  });
  return promise;
}

/** Asks egress-filter for a tunnel (RFC 9110, section 9.3.6) over mutual TLS. */
async function openTunnel({ host, port, identity }: EgressOptions, target: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const asked = httpsRequest({
    ...identity,
    host,
    port,
    method: "CONNECT",
    path: target,
    headers: { host: target },
    agent: false,
    minVersion: "TLSv1.3",
    timeout: CONNECT_TIMEOUT_MS,
  });
  asked.once("timeout", () => asked.destroy(new Error("egress-filter did not answer in time")));
  asked.once("error", reject);
  asked.once("connect", (response: IncomingMessage, socket: Socket, head: Buffer) => {
    if (response.statusCode === 200) {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
      return;
    }
    readRefusal(response, socket, head, target).then((problem) => reject(new TunnelError(problem)), reject);
  });
  asked.end();
  return promise;
}

/** The problem document behind a refused CONNECT; Node hands its body over as raw bytes. */
async function readRefusal(
  response: IncomingMessage,
  socket: Socket,
  head: Buffer,
  target: string,
): Promise<Problem> {
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy());
  const length = Math.min(Number(response.headers["content-length"] ?? 0), LARGEST_REFUSAL);
  let body = head;
  if (body.length < length) {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      body = Buffer.concat([body, chunk]);
      if (body.length >= length) break;
    }
  }
  socket.destroy();
  const parsed = Problem.safeParse(parseOrUndefined(body.subarray(0, length).toString("utf8")));
  if (parsed.success) return parsed.data;
  const detail = `egress-filter refused ${target} (${response.statusCode}): add the provider's host to egress.rules`;
  return createProblem("egress_denied", { service: "egress-filter", detail });
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function asTunnelError(error: unknown, hostname: string): TunnelError {
  if (error instanceof TunnelError) return error;
  const detail = `no connection to ${hostname} through egress-filter: ${(error as Error).message}`;
  return new TunnelError(createProblem("model_unavailable", { service: "model-gateway", detail }));
}
