import { once } from "node:events";
import { request } from "node:https";
import type { Duplex } from "node:stream";
import { type AgentId, createProblem, Problem, type ServerName, STDIO_UPGRADE } from "@claws/contracts";
import { ProblemError, type ServiceIdentity } from "@claws/service-kit";

export interface LauncherAddress {
  readonly host: string;
  readonly port: number;
  readonly identity: ServiceIdentity;
}

const START_TIMEOUT_MS = 20_000;

/** Asks the launcher to start a server for an agent, and returns the raw stream of its stdin and stdout. */
export async function openServerStdio(
  launcher: LauncherAddress,
  server: ServerName,
  agent: AgentId,
): Promise<Duplex> {
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
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const unavailable = (detail: string) =>
    ProblemError.of("server_unavailable", { service: "launcher", detail });
  opening.once("upgrade", (_response, socket, head) => {
    socket.setTimeout(0);
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
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
