import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import { json } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import {
  type AdmissionRequest,
  type ApprovalRequest,
  type AuditEvent,
  createProblem,
  type Problem,
  STDIO_UPGRADE,
} from "@claws/contracts";
import { close, listen, mutualTlsOptions, peerOf, type ServiceIdentity } from "@claws/service-kit";
import { createFakeMcpServer, declare, type FakeMcpServer } from "./fake-mcp-server.ts";

export interface NeighbourRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export type NeighbourAnswer = (request: NeighbourRequest) => unknown;

/** What each says; a test replaces a member for its own time. A returned problem travels as one. */
export interface NeighbourAnswers {
  limiter: NeighbourAnswer;
  scanner: NeighbourAnswer;
  auditor: NeighbourAnswer;
  gateway: NeighbourAnswer;
  launcher: NeighbourAnswer;
}

const NOW = "2026-01-01T00:00:00.000Z";

const ID = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b02";

const AGREEING: NeighbourAnswers = {
  limiter: ({ body }) =>
    "outcome" in (body as object)
      ? { state: "committed" }
      : { outcome: "admitted", id: (body as AdmissionRequest).id, leaseUntil: 1 },
  scanner: () => ({ action: "allow", findings: [] }),
  auditor: () => ({ seq: 1, hash: "0".repeat(64) }),
  launcher: () => ({ version: 1, startedAt: NOW, finishedAt: NOW, passed: true, probes: [] }),
  gateway({ body, path }) {
    if (path !== "/v1/approvals") {
      return createProblem("not_found", { service: "approval-gateway", detail: "no such approval" });
    }
    const { digest, reservation } = body as ApprovalRequest;
    return { id: ID, state: "denied", digest, expiresAt: Date.now() + 60_000, reservation };
  },
};

/** The service that a path of the control network belongs to. */
function ownerOf(path: string): keyof NeighbourAnswers | undefined {
  if (path.startsWith("/v1/admissions")) return "limiter";
  if (path.startsWith("/v1/scans")) return "scanner";
  if (path.startsWith("/v1/records")) return "auditor";
  if (path === "/v1/verifications") return "launcher";
  return path.startsWith("/v1/approvals") ? "gateway" : undefined;
}

function isProblem(answer: unknown): answer is Problem {
  return typeof answer === "object" && answer !== null && "status" in answer && "code" in answer;
}

/** All neighbours of the broker behind one listener with real mutual TLS, the launcher with MCP servers in memory. */
export async function startNeighbours(identity: ServiceIdentity) {
  const answers = { ...AGREEING };
  const requests: NeighbourRequest[] = [];
  const servers: Record<string, FakeMcpServer> = {
    fs: createFakeMcpServer(declare("read_file", "write_file", "delete")),
    mail: createFakeMcpServer(declare("send", "echo", "burn")),
  };

  const answer = async (incoming: IncomingMessage): Promise<{ status: number; body: unknown }> => {
    const { method = "", url: path = "" } = incoming;
    const body = method === "POST" ? await json(incoming) : undefined;
    const owner = ownerOf(path);
    if (owner === undefined || peerOf(incoming.socket as TLSSocket) !== "broker")
      return { status: 404, body: {} };
    const request = { method, path, body };
    requests.push(request);
    const said = answers[owner](request);
    return { status: isProblem(said) ? said.status : 200, body: said };
  };
  const server = createServer(mutualTlsOptions(identity), (incoming, response) => {
    const reply = async () => {
      const { status, body } = await answer(incoming);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    void reply();
  });
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex) => {
    const name = /^\/v1\/servers\/([a-z]+)\/stdio$/.exec(incoming.url ?? "")?.[1] ?? "";
    const started = servers[name]?.start();
    if (started === undefined || incoming.headers["x-claws-agent"] === undefined) {
      socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    const { stream, imageDigest } = started;
    const head = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", `Upgrade: ${STDIO_UPGRADE}`];
    socket.write([...head, `x-claws-image-digest: ${imageDigest}`, "", ""].join("\r\n"));
    socket.on("error", () => stream.destroy()).on("close", () => stream.end());
    socket.pipe(stream).pipe(socket);
  });
  const port = await listen(server, 0, "127.0.0.1");
  return {
    port,
    answers,
    servers,
    /** Requests to one of them since the last `reset`. */
    asked: (owner: keyof NeighbourAnswers) => requests.filter(({ path }) => ownerOf(path) === owner),
    records: () => requests.flatMap(({ path, body }) => (path === "/v1/records" ? [body as AuditEvent] : [])),
    reset() {
      Object.assign(answers, AGREEING);
      requests.splice(0);
      for (const { received } of Object.values(servers)) received.splice(0);
    },
    async close() {
      server.closeAllConnections();
      await close(server, 50);
    },
  };
}
