import { createServer } from "node:https";
import { AuditEvent } from "@claws/contracts";
import { close, listen, mutualTlsOptions, type ServiceIdentity } from "@claws/service-kit";

/** A stand-in for the auditor on a real socket, that keeps what it was asked to write. */
export interface TestAuditor {
  readonly port: number;
  readonly events: AuditEvent[];
  /** While true, it answers 503 to everything. */
  isDown: boolean;
  close(): Promise<void>;
}

export async function startAuditor(identity: ServiceIdentity): Promise<TestAuditor> {
  const events: AuditEvent[] = [];
  const server = createServer(mutualTlsOptions(identity), (request, response) => {
    if (request.method !== "POST" || request.url !== "/v1/records") return void response.writeHead(404).end();
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (auditor.isDown) return void response.writeHead(503).end();
      events.push(AuditEvent.parse(JSON.parse(Buffer.concat(chunks).toString())));
      response.end(JSON.stringify({ seq: events.length, hash: "0".repeat(64) }));
    });
  });
  const auditor: TestAuditor = {
    port: await listen(server, 0, "127.0.0.1"),
    events,
    isDown: false,
    close: () => close(server, 100),
  };
  return auditor;
}
