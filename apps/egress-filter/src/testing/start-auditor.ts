import { createServer } from "node:https";
import { AuditEvent } from "@claws/contracts";
import { close, listen, mutualTlsOptions, type ServiceIdentity } from "@claws/service-kit";

/** An auditor that keeps what it is told in memory, behind real mutual TLS. */
export async function startAuditor(identity: ServiceIdentity) {
  const events: AuditEvent[] = [];
  const server = createServer(mutualTlsOptions(identity), (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url !== "/v1/records") return void response.writeHead(404).end();
      events.push(AuditEvent.parse(JSON.parse(Buffer.concat(chunks).toString("utf8"))));
      response.writeHead(201).end(JSON.stringify({ seq: events.length, hash: "0".repeat(64) }));
    });
  });
  const port = await listen(server, 0, "127.0.0.1");
  return {
    port,
    events,
    stop: async () => {
      server.closeAllConnections();
      await close(server, 0);
    },
  };
}
