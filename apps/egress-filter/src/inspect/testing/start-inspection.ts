import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import {
  connect as connectHttp2,
  type ClientHttp2Session,
  type OutgoingHttpHeaders as H2Headers,
} from "node:http2";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { createInspectionAuthority, type IssuedCertificate } from "@claws/certificates";
import type { CompiledPolicy, DlpActions, EgressRule } from "@claws/contracts";
import { createLogger, listen } from "@claws/service-kit";
import type { Dialled } from "../../dial.ts";
import type { ConnectionQuota } from "../../quota/connection-quota.ts";
import type { RequestReading } from "../../read-request.ts";
import type { Refused } from "../../refusal.ts";
import type { ContentFinding } from "../content-judge.ts";
import type { InnerEnd, InnerVerdict } from "../inspection.ts";
import { createInspector } from "../inspect-tunnel.ts";

export const HOST = "allowed.test";
const ALLOW: DlpActions = {
  secret: "allow",
  pii: "allow",
  exfiltration: "allow",
  injection: "allow",
  size: "allow",
};

export interface InspectionParts {
  /** Where the destination really listens, and the authority behind its certificate. */
  readonly originPort: number;
  readonly originAuthority?: IssuedCertificate | undefined;
  readonly credential?: EgressRule["credential"];
  readonly requests?: Partial<DlpActions>;
  readonly answers?: Partial<DlpActions>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly judge?: (reading: RequestReading) => Refused | undefined;
  readonly quota?: Partial<ConnectionQuota>;
  readonly idleMs?: number;
  readonly host?: string;
  /** Gives the inspector this much of the client's first bytes as the head; by default the whole ClientHello. */
  readonly headBytes?: number;
}

/** An inspector behind a TCP listener that stands for an open tunnel to `allowed.test:443`. */
export async function startInspection(parts: InspectionParts) {
  const directory = mkdtempSync(join(tmpdir(), "inspect-"));
  for (const [name, value] of Object.entries(parts.secrets ?? {})) {
    writeFileSync(join(directory, name), value, { mode: 0o400 });
  }
  const rule: EgressRule = {
    action: "allow",
    host: HOST,
    port: 443,
    inspect: true,
    key: "egress.rules[0]",
    ...(parts.credential ? { credential: parts.credential } : {}),
  };
  const policy = {
    egress: { rules: [rule] },
    agents: {},
    servers: {},
    dlp: {
      "egress-requests": { ...ALLOW, ...parts.requests },
      "egress-responses": { ...ALLOW, ...parts.answers },
    },
  } as unknown as CompiledPolicy;
  const lines: string[] = [];
  const authority = await createInspectionAuthority();
  const inspect = createInspector({
    authority,
    extraAuthorities: parts.originAuthority?.certificate,
    secretsDirectory: directory,
    policy: () => policy,
    limits: () => ({ idleMs: parts.idleMs ?? 60_000, totalMs: 60_000 }),
    logger: createLogger(
      "egress-filter",
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          lines.push(chunk.toString("utf8"));
          done();
        },
      }),
    ),
  });
  const seen = {
    readings: [] as RequestReading[],
    findings: [] as ContentFinding[],
    ends: [] as InnerEnd[],
    handshakes: [] as Refused[],
    dialled: 0,
    begun: 0,
    done: 0,
    lines,
    clients: [] as Socket[],
  };
  const quota: ConnectionQuota = {
    up: { use: () => true },
    down: { use: () => true },
    countRequest: async () => undefined,
    close: () => undefined,
    ...parts.quota,
  };

  async function judge(reading: RequestReading): Promise<InnerVerdict> {
    seen.readings.push(reading);
    const refused = parts.judge?.(reading) ?? (reading.ok ? undefined : reading);
    if (refused) return { ...refused, ok: false };
    return {
      ok: true,
      matched: rule,
      rule: "allow allowed.test:443",
      quota,
      place: { hold: () => undefined },
      finish: (end) => void seen.ends.push(end),
    };
  }

  async function dial(): Promise<Dialled> {
    seen.dialled++;
    const { promise, resolve } = Promise.withResolvers<Dialled>();
    const socket = connect({ host: "127.0.0.1", port: parts.originPort, allowHalfOpen: true });
    socket.on("error", (error) => resolve({ ok: false, detail: error.message }));
    socket.once("connect", () => resolve({ ok: true, socket, address: "127.0.0.1" }));
    return promise;
  }

  function take(client: Socket, head: Buffer): void {
    seen.begun++;
    inspect({
      client,
      head,
      authority: { host: parts.host ?? HOST, port: 443 },
      dial,
      judge,
      onFinding: (finding) => void seen.findings.push(finding),
      onHandshakeFailed: (refused) => void seen.handshakes.push(refused),
    }).then(
      () => void seen.done++,
      (error: unknown) => void lines.push(`rejected: ${String(error)}`),
    );
  }
  const tunnel: Server = createServer({ allowHalfOpen: true }, (client) => {
    seen.clients.push(client);
    client.once("error", () => undefined);
    client.once("data", (chunk: Buffer) => {
      client.pause();
      const cut = Math.min(parts.headBytes ?? chunk.length, chunk.length);
      if (cut < chunk.length) client.unshift(chunk.subarray(cut));
      take(client, chunk.subarray(0, cut));
    });
  });
  const port = await listen(tunnel, 0, "127.0.0.1");
  const agents: (() => void)[] = [];

  /** A client's TLS connection through the tunnel. */
  function openTls(protocols: string[], ca: string | undefined = authority.certificate): TLSSocket {
    const socket = connectTls({
      host: "127.0.0.1",
      port,
      servername: parts.host ?? HOST,
      ALPNProtocols: protocols,
      ...(ca === undefined ? {} : { ca }),
    });
    agents.push(() => socket.destroy());
    return socket;
  }

  return {
    port,
    seen,
    authority,
    openTls,
    openHttp2(): ClientHttp2Session {
      const session = connectHttp2(`https://${HOST}`, { createConnection: () => openTls(["h2"]) });
      session.on("error", () => undefined);
      agents.push(() => session.destroy());
      return session;
    },
    stop: async () => {
      for (const end of agents) end();
      for (const client of seen.clients) client.destroy();
      const { promise, resolve } = Promise.withResolvers<void>();
      tunnel.close(() => resolve());
      await promise;
      rmSync(directory, { recursive: true });
    },
  };
}

export type RunningInspection = Awaited<ReturnType<typeof startInspection>>;

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, unknown>>;
  /** Whether the answer came to its end. */
  readonly isWhole: boolean;
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer | readonly (string | Buffer)[];
}

/** One request over HTTP/1.1 on a connection that is open. */
export async function askHttp1(
  socket: TLSSocket,
  { method = "GET", path = "/", headers = {}, body }: Asked,
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const request = httpRequest({
    createConnection: () => socket,
    method,
    path,
    headers: { host: HOST, connection: "keep-alive", ...headers },
  });
  request.on("response", (answer: IncomingMessage) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    const finish = () =>
      resolve({
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        body: Buffer.concat(chunks).toString("utf8"),
        trailers: answer.trailers,
        isWhole: answer.complete,
      });
    answer.on("end", finish).on("error", finish).on("close", finish);
  });
  request.on("error", reject);
  for (const part of partsOf(body)) request.write(part);
  request.end();
  return promise;
}

/** One request over HTTP/2. */
export async function askHttp2(
  session: ClientHttp2Session,
  { method = "GET", path = "/", headers = {}, body }: Asked,
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const head: H2Headers = { ":method": method, ":path": path, ":authority": HOST, ...headers };
  const stream = session.request(head, { endStream: body === undefined });
  const chunks: Buffer[] = [];
  let answer: Record<string, unknown> | undefined;
  let trailers: Record<string, unknown> = {};
  let isWhole = false;
  stream.on("response", (received) => {
    answer = { ...received };
  });
  stream.on("trailers", (received) => {
    trailers = { ...received };
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    isWhole = stream.rstCode === 0;
  });
  stream.on("error", () => undefined);
  stream.on("close", () => {
    if (answer === undefined) return reject(new Error(`no answer (${stream.rstCode})`));
    const status = Number(answer[":status"]);
    resolve({ status, headers: answer, body: Buffer.concat(chunks).toString("utf8"), trailers, isWhole });
  });
  for (const part of partsOf(body)) stream.write(part);
  if (body !== undefined) stream.end();
  return promise;
}

function partsOf(body: Asked["body"]): readonly (string | Buffer)[] {
  if (body === undefined) return [];
  return typeof body === "string" || Buffer.isBuffer(body) ? [body] : body;
}
