import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import { createInspectionAuthority, issueHostCertificate } from "@claws/certificates";
import { listen } from "@claws/service-kit";
import { HOST } from "./start-inspection.ts";

export interface SeenByOrigin {
  readonly version: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  body: string;
}

export type AnswerAs = (request: Http2ServerRequest, response: Http2ServerResponse, body: string) => void;

export interface OriginOptions {
  /** Answers at the request's end. */
  readonly answer?: AnswerAs;
  readonly onRequest?: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
  readonly onUpgrade?: (request: Http2ServerRequest, socket: Socket, head: Buffer) => void;
  readonly isHttp2?: boolean;
  /** The name in its certificate. */
  readonly host?: string;
  readonly lifetimeDays?: number;
  /** Where it listens; 127.0.0.1 otherwise. */
  readonly address?: string;
}

/** A host of the internet over TLS: HTTP/2 and HTTP/1.1, and every byte that it was sent is kept. */
export async function startTlsOrigin({
  answer = (_request, response) => void response.end("hello"),
  onRequest,
  onUpgrade,
  isHttp2 = true,
  host = HOST,
  lifetimeDays,
  address = "127.0.0.1",
}: OriginOptions = {}) {
  const authority = await createInspectionAuthority();
  const { certificate, privateKey } = await issueHostCertificate(authority, host, lifetimeDays);
  const seen: SeenByOrigin[] = [];
  const sockets: Socket[] = [];
  const options = { cert: certificate, key: privateKey };
  const server = isHttp2
    ? createSecureServer({ ...options, allowHTTP1: true })
    : (createHttpsServer(options) as unknown as Http2SecureServer);
  server.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { httpVersion: version, method, url, headers } = request;
    const entry: SeenByOrigin = { version, method, url, headers, body: "" };
    seen.push(entry);
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    if (onRequest) return onRequest(request, response);
    request.on("data", (chunk: Buffer) => {
      entry.body += chunk.toString("latin1");
    });
    request.on("end", () => answer(request, response, entry.body));
  });
  if (onUpgrade) server.on("upgrade", onUpgrade);
  server.on("secureConnection", (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
  });
  server.on("sessionError", () => undefined).on("tlsClientError", () => undefined);
  const port = await listen(server, 0, address);
  return {
    port,
    seen,
    sockets,
    authority,
    stop: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      await promise;
    },
  };
}
