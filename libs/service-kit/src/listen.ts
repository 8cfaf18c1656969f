import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";

/** Binds, and turns "address in use" and "name not found yet" into a rejection that says where. */
export async function listen(server: Server, port: number, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const fail = (error: Error) =>
    reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
  server.once("error", fail);
  server.listen({ port, host }, () => {
    server.off("error", fail);
    resolve((server.address() as AddressInfo).port);
  });
  return promise;
}

/** Stops accepting, lets requests in flight end, and cuts what is left after `graceMs`. */
export async function close(server: Server, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  if ("closeIdleConnections" in server) (server as HttpServer).closeIdleConnections();
  const timer = setTimeout(() => {
    if ("closeAllConnections" in server) (server as HttpServer).closeAllConnections();
    resolve();
  }, graceMs);
  await promise;
  clearTimeout(timer);
}
