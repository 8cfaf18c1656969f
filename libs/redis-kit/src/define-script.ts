import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { askRedis } from "./ask-redis.ts";

/** What a Lua script of ours returns: integers and strings, nested in arrays. No floats, no JSON numbers. */
export type ScriptReply = string | number | null | readonly ScriptReply[];

export interface RedisScript<Reply> {
  readonly name: string;
  run(redis: Redis, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply>;
}

export interface ScriptDefinition<Reply> {
  readonly name: string;
  readonly lua: string;
  /** Turns the raw reply into the typed one; throws on a reply that the script never gives. */
  readonly readReply: (reply: ScriptReply) => Reply;
}

/**
 * A Lua script as a typed function. Sent by its hash, and with its text where Redis does not know it
 * (after a restart); any failure is `service_unavailable`.
 */
export function defineScript<Reply>({ name, lua, readReply }: ScriptDefinition<Reply>): RedisScript<Reply> {
  // SHA-1 because that is how EVALSHA names scripts; nothing rests on its strength.
  const sha = createHash("sha1").update(lua).digest("hex");
  return {
    name,
    run: (redis, keys, args) =>
      askRedis(async () => {
        const parameters = [...keys, ...args];
        let reply: unknown;
        try {
          reply = await redis.evalsha(sha, keys.length, ...parameters);
        } catch (error) {
          if (!isUnknownScript(error)) throw error;
          reply = await redis.eval(lua, keys.length, ...parameters);
        }
        return readReply(reply as ScriptReply);
      }),
  };
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}
