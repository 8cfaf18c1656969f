export { askRedis } from "./ask-redis.ts";
export { createRedis, type RedisOptions } from "./create-redis.ts";
export { defineScript, type RedisScript, type ScriptReply } from "./define-script.ts";
export { isRedisReady } from "./is-redis-ready.ts";
