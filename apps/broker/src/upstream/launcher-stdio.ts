import { once } from "node:events";
import { request } from "node:https";
import type { Duplex } from "node:stream";
import {
  type AgentId,
  createProblem,
  FrozenCall,
  Problem,
  type ServerName,
  STDIO_UPGRADE,
} from "@claws/contracts";
import { ProblemError, type ServiceIdentity } from "@claws/service-kit";

export interface LauncherAddress {
  readonly host: string;
  readonly port: number;
  readonly identity: ServiceIdentity;
}

/** A server that was started for one agent alone. */
export interface ServerStdio {
  /** Raw bytes of its stdin and stdout. */
  readonly stream: Duplex;
  /** Content id of the image that runs, as the engine knows it. */
  readonly imageDigest: string;
}

const START_TIMEOUT_MS = 20_000;
const IMAGE_DIGEST_HEADER = "x-claws-image-digest";
const ImageDigest = FrozenCall.shape.imageDigest;

/** Asks the launcher to start a server for an agent. */
export async function openServerStdio(
  launcher: LauncherAddress,
  server: ServerName,
  agent: AgentId,
): Promise<ServerStdio> {
  const { host, port, identity } = launcher;
  const opening = request({
    host,
    port,
    ...identity,
    method: "POST",
    path: `/v1/servers/${server}/stdio`,
    headers: { connection: "Upgrade", upgrade: STDIO_UPGRADE, "x-claws-agent": agent },
    agent: false,
    timeout: START_TIMEOUT_MS,
  });
  const { promise, resolve, reject } = Promise.withResolvers<ServerStdio>();
  const unavailable = (detail: string) =>
    ProblemError.of("service_unavailable", { service: "launcher", detail, retryAfterMs: 1_000 });
  opening.once("upgrade", (response, stream, head) => {
    stream.setTimeout(0);
    const imageDigest = ImageDigest.safeParse(response.headers[IMAGE_DIGEST_HEADER]);
    if (!imageDigest.success) {
      stream.destroy();
      reject(unavailable(`${server}: the launcher does not say which image it runs`));
      return;
    }
    if (head.length > 0) stream.unshift(head);
    resolve({ stream, imageDigest: imageDigest.data });
  });
  opening.once("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    void once(response, "end").then(
      () =>
        reject(
          new ProblemError(problemOf(Buffer.concat(chunks).toString("utf8"), server, response.statusCode)),
        ),
      () => reject(unavailable(`${server}: the launcher's refusal could not be read`)),
    );
  });
  opening.once("timeout", () => opening.destroy(new Error(`no answer in ${START_TIMEOUT_MS} ms`)));
  opening.once("error", (error) =>
    reject(unavailable(`${server}: the launcher cannot be asked: ${error.message}`)),
  );
  opening.end();
  return promise;
}

function problemOf(body: string, server: ServerName, status: number | undefined): Problem {
  try {
    return Problem.parse(JSON.parse(body));
  } catch {
    return createProblem("server_unavailable", {
      service: "launcher",
      detail: `${server}: the launcher answered ${status}`,
    });
  }
}
