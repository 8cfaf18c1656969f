import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";

/**
 * Binds, and turns "address in use" and "name not found yet" into a rejection that says where. With `reusePort`
 * (SO_REUSEPORT) several threads of one service listen on the same port, and the kernel spreads connections over them.
 */
export async function listen(server: Server, port: number, host: string, reusePort = false): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const fail = (error: Error) =>
    reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
  server.once("error", fail);
  server.listen({ port, host, reusePort }, () => {
    server.off("error", fail);
    resolve((server.address() as AddressInfo).port);
  });
  return promise;
}

const SWEEP_MS = 50;

/** Stops accepting, lets requests in flight end, and cuts what is left after `graceMs`. */
export async function close(server: Server, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const http = "closeAllConnections" in server ? (server as HttpServer) : undefined;
  server.close(() => resolve());
  // A connection whose request was in flight is kept alive after the answer: it is idle only then.
  const sweep = setInterval(() => http?.closeIdleConnections(), SWEEP_MS);
  const timer = setTimeout(() => {
    http?.closeAllConnections();
    resolve();
  }, graceMs);
  await promise;
  clearInterval(sweep);
  clearTimeout(timer);
}
