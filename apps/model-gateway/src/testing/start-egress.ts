import { createServer } from "node:https";
import { connect } from "node:net";
import { close, listen, mutualTlsOptions, type ServiceIdentity } from "@claws/service-kit";

export interface EgressStandIn {
  readonly port: number;
  /** Targets of CONNECT requests, in order. */
  readonly targets: string[];
  /** When set, tunnels are refused with this problem document. */
  refusal: object | undefined;
  close(): Promise<void>;
}

/** Stands in for egress-filter: CONNECT over mutual TLS, every tunnel on loopback. */
export async function startEgress(identity: ServiceIdentity): Promise<EgressStandIn> {
  const targets: string[] = [];
  const server = createServer(mutualTlsOptions(identity));
  const standIn = {
    port: 0,
    targets,
    refusal: undefined as object | undefined,
    async close() {
      server.closeAllConnections();
      await close(server, 100);
    },
  };
  server.on("connect", (request, socket) => {
    const target = request.url ?? "";
    targets.push(target);
    socket.on("error", () => socket.destroy());
    if (standIn.refusal) {
      const body = JSON.stringify(standIn.refusal);
      socket.end(
        `HTTP/1.1 403 Forbidden\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      return;
    }
    const upstream = connect(Number(target.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
  });
  standIn.port = await listen(server, 0, "127.0.0.1");
  return standIn;
}
