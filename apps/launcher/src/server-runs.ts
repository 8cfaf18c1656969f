import { setTimeout as sleep } from "node:timers/promises";
import type { Duplex } from "node:stream";
import { type Logger, ProblemError } from "@claws/service-kit";
import type { PlannedContainer } from "./container-planner.ts";
import type { ContainerSpec } from "./create-container-spec.ts";
import type { Engine } from "./engine.ts";
import { pipeStdio } from "./pipe-stdio.ts";
import { createStderrLog } from "./stderr-log.ts";
import type { ToolNetworks } from "./tool-networks.ts";

/** One server to run for one caller. */
export interface RunOrder {
  readonly server: string;
  readonly agent: string;
  /** What the engine is to create; asked for once there is a place for it. */
  readonly plan: () => Promise<PlannedContainer>;
  readonly caller: Duplex;
  /** Tells the caller that its stream begins. */
  readonly accept: (spec: ContainerSpec) => void;
}

export interface ServerRuns {
  /** Runs the server until it or its caller ends. Rejects if it could not be started. */
  run(order: RunOrder): Promise<void>;
  /** Removes what an earlier launcher left behind. */
  sweep(): Promise<void>;
  /** Hangs up on every caller and waits until all containers are removed. */
  close(): Promise<void>;
}

export interface ServerRunsOptions {
  readonly engine: Pick<Engine, "attach" | "createContainer" | "listContainers" | "remove" | "start">;
  readonly networks: Pick<ToolNetworks, "sweep">;
  readonly logger: Logger;
  readonly project: string;
  readonly maxServers: number;
}

const REMOVAL_ATTEMPTS = 3;

export function createServerRuns({
  engine,
  networks,
  logger,
  project,
  maxServers,
}: ServerRunsOptions): ServerRuns {
  const runs = new Map<Duplex, Promise<void>>();
  let swept: Promise<void> | undefined;
  let closing = false;

  /** Once, before the first container of ours: after that it would remove those. */
  function sweep(): Promise<void> {
    swept ??= removeLeftovers().catch((error: unknown) => {
      swept = undefined;
      throw error;
    });
    return swept;
  }

  async function removeLeftovers(): Promise<void> {
    const leftovers = await engine.listContainers([`claws.project=${project}`, "claws.server"]);
    await Promise.all(leftovers.map((container) => engine.remove(container)));
    if (leftovers.length > 0) logger.warn({ containers: leftovers.length }, "removed leftover MCP servers");
    await networks.sweep();
  }

  async function start(order: RunOrder): Promise<void> {
    await sweep();
    const { spec, release } = await order.plan();
    try {
      await runContainer(order, spec);
    } finally {
      await release();
    }
  }

  async function runContainer(order: RunOrder, spec: ContainerSpec): Promise<void> {
    const container = await engine.createContainer(spec);
    const log = logger.child({ server: order.server, agent: order.agent, container: container.slice(0, 12) });
    try {
      const stdio = await engine.attach(container);
      // Until it is piped; an error without a listener would end the launcher.
      stdio.on("error", () => stdio.destroy());
      await engine.start(container);
      if (order.caller.destroyed) return void stdio.destroy();
      log.info("MCP server started");
      order.accept(spec);
      const stderr = createStderrLog({
        log: (line) => log.info({ line }, "stderr"),
        now: () => performance.now(),
      });
      const { by, error } = await pipeStdio(order.caller, stdio, (chunk) => stderr.write(chunk));
      stderr.end();
      log.info({ by, err: error }, "MCP server ended");
    } finally {
      await remove(container, log);
    }
  }

  async function remove(container: string, log: Logger): Promise<void> {
    for (let attempt = 1; attempt <= REMOVAL_ATTEMPTS; attempt += 1) {
      try {
        return await engine.remove(container);
      } catch (error) {
        log.error({ err: error, attempt }, "an MCP server's container could not be removed");
        if (attempt < REMOVAL_ATTEMPTS) await sleep(500 * attempt);
      }
    }
  }

  return {
    async run(order) {
      if (closing) throw refuse("launcher is stopping: try again when it is back");
      if (runs.size >= maxServers) {
        throw refuse(`${maxServers} MCP servers run already (MAX_SERVERS): wait until one ends, or raise it`);
      }
      const run = start(order).finally(() => runs.delete(order.caller));
      runs.set(order.caller, run);
      await run;
    },
    sweep,
    async close() {
      closing = true;
      for (const caller of runs.keys()) caller.destroy();
      await Promise.allSettled(runs.values());
    },
  };
}

function refuse(detail: string): ProblemError {
  return ProblemError.of("server_unavailable", { service: "launcher", detail, retryAfterMs: 1_000 });
}
