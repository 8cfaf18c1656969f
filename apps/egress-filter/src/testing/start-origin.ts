import { createServer as createHttpServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { listen } from "@claws/service-kit";
import { HELLO_ANSWER } from "./raw-client.ts";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A host of the internet: accepts TCP and counts who came. */
export async function startOrigin(address: string, serve: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  const port = await listen(server, 0, address);
  return { port, sockets, stop: () => stopServer(server, sockets) };
}

/** A host of the internet that takes a TLS hello, says so, and then does what `serve` does. */
export async function startTlsLikeOrigin(address: string, serve: (socket: Socket) => void) {
  return startOrigin(address, (socket) => {
    socket.once("data", () => {
      socket.write(HELLO_ANSWER);
      serve(socket);
    });
  });
}

/** A host of the internet that speaks HTTP and remembers what it was asked. */
export async function startHttpOrigin(address: string, answer?: RequestListener) {
  const seen: SeenRequest[] = [];
  const sockets: Socket[] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString("utf8") });
      if (answer) return answer(request, response);
      response.setHeader("x-origin", "yes");
      response.end("hello");
    });
  });
  server.on("connection", (socket: Socket) => void sockets.push(socket));
  const port = await listen(server, 0, address);
  return { port, seen, sockets, stop: () => stopServer(server, sockets) };
}

async function stopServer(server: Server, sockets: readonly Socket[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  for (const socket of sockets) socket.destroy();
  await promise;
}
