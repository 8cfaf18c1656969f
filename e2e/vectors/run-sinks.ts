/**
 * Every destination there is, for one proxy: runs in its network namespace, where a local route makes each
 * address one of ours, and records what arrives at which address and port.
 */
import { createServer } from "node:net";
import { serveLines } from "./line-server.ts";
import { receive, takeArrivals } from "./sink.ts";

const PORTS = [22, 25, 70, 80, 443, 2375, 6379];

for (const port of PORTS) {
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    receive(socket, socket.localAddress ?? "?", port),
  );
  server.listen({ port, host: "0.0.0.0" });
}
serveLines(takeArrivals);
