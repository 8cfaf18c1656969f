import type { Server } from "node:net";
import { createAdminServer } from "./admin.ts";
import { ConfigError } from "./config.ts";
import { close, listen } from "./listen.ts";
import { createLogger, type Logger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { ReadinessCheck } from "./readiness.ts";

/** One listener of a service. A host name is resolved at start, so it binds to that network only. */
export interface Listener {
  readonly server: Server;
  readonly port: number;
  readonly host: string;
  /** The port is shared with other threads of the service. */
  readonly reusePort?: boolean;
}

/** What a service's composition root returns. */
export interface Service {
  readonly listeners: readonly Listener[];
  readonly readiness: Readonly<Record<string, ReadinessCheck>>;
  /** Ends streams, tunnels and upgraded sockets, which no listener ends by itself. Called first. */
  readonly drain?: () => void;
  /** Ends what the listeners do not own: connections, timers, files. Called when they are closed. */
  readonly close?: () => Promise<void>;
}

export interface ServiceTools {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const ADMIN_PORT = 9090;
/** Docker sends SIGKILL after 10 s: leave a margin for what `close` does, and for the last log line. */
const GRACE_MS = 8_000;
const LIMIT_MS = 9_500;

/**
 * Starts a service the one way: compose, listen, serve `/healthz` on loopback, and on SIGTERM or SIGINT
 * end within 10 s. A configuration mistake is one line and exit code 78 (EX_CONFIG); an unexpected
 * exception is logged and ends the process, since half a guard is worse than none.
 */
export async function runService(
  name: string,
  create: (tools: ServiceTools) => Promise<Service>,
  adminPort = ADMIN_PORT,
): Promise<void> {
  const logger = createLogger(name);
  const metrics = createMetrics(name);
  const die = (error: unknown) => {
    logger.fatal({ err: error }, "unexpected error: ending, to be restarted clean");
    process.exit(1);
  };
  process.on("uncaughtException", die);
  process.on("unhandledRejection", die);

  let service: Service;
  try {
    service = await create({ logger, metrics });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    logger.fatal(error.message);
    process.exit(78);
  }
  const admin = createAdminServer({ service: name, logger, metrics, readiness: service.readiness });
  const listeners: Listener[] = [...service.listeners, { server: admin, port: adminPort, host: "127.0.0.1" }];
  for (const { server, port, host, reusePort } of listeners) {
    const bound = await listen(server, port, host, reusePort);
    logger.info({ host, port: bound }, "listening");
  }

  const stop = async (signal: NodeJS.Signals) => {
    logger.info({ signal }, "stopping");
    setTimeout(() => die(new Error(`still busy ${LIMIT_MS} ms after ${signal}`)), LIMIT_MS).unref();
    service.drain?.();
    await Promise.all(listeners.map(({ server }) => close(server, GRACE_MS)));
    await service.close?.();
    process.exit(0);
  };
  process.once("SIGTERM", (signal) => void stop(signal));
  process.once("SIGINT", (signal) => void stop(signal));
}
