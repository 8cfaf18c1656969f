import type { Redis } from "ioredis";

/** Whether Redis answers PING: what a service's readiness asks. */
export async function isRedisReady(redis: Redis): Promise<boolean> {
  try {
    return (await redis.ping()) === "PONG";
  } catch {
    return false;
  }
}
