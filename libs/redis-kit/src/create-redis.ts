import type { Logger } from "@claws/service-kit";
import { Redis } from "ioredis";

export interface RedisOptions {
  readonly host: string;
  readonly port: number;
  /** The ACL user: each service has its own, limited to its own keys. */
  readonly username: string;
  readonly password: string;
  readonly logger: Logger;
}

const MAX_BACKOFF_MS = 2_000;

/**
 * A connection for a service that refuses while Redis is away: nothing queues, nothing is resent, each
 * command has half a second, and reconnecting never gives up, so the service recovers by itself.
 */
export function createRedis({ host, port, username, password, logger }: RedisOptions): Redis {
  const redis = new Redis({
    host,
    port,
    username,
    password,
    lazyConnect: true,
    enableOfflineQueue: false,
    // A command whose answer was lost has been refused to the caller: running it later would count or
    // consume something that nobody is waiting for.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 500,
    connectTimeout: 1_000,
    // A peer that vanished without a word (paused, unplugged) is noticed by silence.
    socketTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_BACKOFF_MS),
    // INFO is more than the ACL user needs; while Redis loads its log, commands fail and that refuses.
    enableReadyCheck: false,
    disableClientInfo: true,
  });

  let reported: string | undefined;
  redis.on("error", (error: Error) => {
    if (error.message === reported) return;
    reported = error.message;
    logger.warn({ host, port, err: error }, "redis does not answer: refusing until it does");
  });
  redis.on("ready", () => {
    reported = undefined;
    logger.info({ host, port }, "connected to redis");
  });
  redis.connect().catch((error: Error) => {
    logger.info({ host, port, reason: error.message }, "redis is not there yet: trying again");
  });
  return redis;
}
