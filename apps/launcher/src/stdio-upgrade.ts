import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { type Problem, STDIO_UPGRADE } from "@claws/contracts";
import { type Logger, peerOf, ProblemError, sendProblem } from "@claws/service-kit";
import type { ContainerPlanner } from "./container-planner.ts";
import { problemOf } from "./problem-of.ts";
import { readStdioRequest } from "./read-stdio-request.ts";
import type { ServerCatalogue } from "./server-catalogue.ts";
import type { ServerRuns } from "./server-runs.ts";

/** Which image runs, so that the caller can compare it with the one that it decided on. */
export const IMAGE_HEADER = "x-claws-image-digest";

export interface StdioUpgradeOptions {
  readonly catalogue: Pick<ServerCatalogue, "find">;
  readonly planner: ContainerPlanner;
  readonly runs: Pick<ServerRuns, "run">;
  readonly logger: Logger;
}

/** `POST /v1/servers/:name/stdio`: a container for this caller alone, for as long as the stream is open. */
export function createStdioUpgrade({ catalogue, planner, runs, logger }: StdioUpgradeOptions) {
  async function serve(request: IncomingMessage, caller: Duplex, head: Buffer): Promise<void> {
    checkPeer(caller as TLSSocket);
    const { server, agent } = readStdioRequest(request);
    const launchable = await catalogue.find(server);
    await runs.run({
      server,
      agent,
      caller,
      plan: () => planner.plan(launchable, agent),
      accept({ Image }) {
        const lines = [
          "HTTP/1.1 101 Switching Protocols",
          "Connection: Upgrade",
          `Upgrade: ${STDIO_UPGRADE}`,
        ];
        caller.write([...lines, `${IMAGE_HEADER}: ${Image}`, "", ""].join("\r\n"));
        if (head.length > 0) caller.unshift(head);
      },
    });
  }

  return function upgrade(request: IncomingMessage, caller: Duplex, head: Buffer): void {
    // The caller going away shows in `destroyed`; an error without a listener would end the launcher.
    caller.on("error", () => caller.destroy());
    serve(request, caller, head).catch((error: unknown) => {
      const problem = problemOf(error);
      const { code, detail } = problem;
      if (error instanceof ProblemError)
        logger.warn({ url: request.url, code, detail }, "stdio stream refused");
      else logger.error({ err: error, url: request.url, code }, "stdio stream failed");
      if (!caller.destroyed) answer(request, caller, problem);
    });
  };
}

function checkPeer(caller: TLSSocket): void {
  const peer = peerOf(caller);
  if (peer === "broker") return;
  const detail = `${peer ?? "a caller without a certificate of this stack"} may not start MCP servers`;
  throw ProblemError.of("peer_not_allowed", { service: "launcher", detail });
}

function answer(request: IncomingMessage, caller: Duplex, problem: Problem): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(caller as TLSSocket);
  response.on("finish", () => caller.end());
  sendProblem(response, problem);
}
