import { createServer } from "node:https";
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { close, listen, mutualTlsOptions, peerOf, type ServiceIdentity } from "@claws/service-kit";

export interface NeighbourRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export interface Neighbour {
  readonly port: number;
  readonly requests: NeighbourRequest[];
  close(): Promise<void>;
}

export type NeighbourAnswer = (request: NeighbourRequest) => { status?: number; body: unknown };

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk as string;
  return text;
}

/** Stands in for another service of the control network: real mutual TLS, an answer from the test. */
export async function startNeighbour(identity: ServiceIdentity, answer: NeighbourAnswer): Promise<Neighbour> {
  const requests: NeighbourRequest[] = [];
  const server = createServer(mutualTlsOptions(identity), (incoming, response) => {
    const reply = async () => {
      const text = await readText(incoming);
      const request = {
        method: incoming.method ?? "",
        path: incoming.url ?? "",
        body: text === "" ? undefined : (JSON.parse(text) as unknown),
      };
      const isGateway = peerOf(incoming.socket as TLSSocket) === "model-gateway";
      requests.push(request);
      const { status = 200, body } = isGateway ? answer(request) : { status: 403, body: {} };
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    void reply();
  });
  const port = await listen(server, 0, "127.0.0.1");
  return {
    port,
    requests,
    async close() {
      server.closeAllConnections();
      await close(server, 100);
    },
  };
}
