import { createLogger, ProblemError } from "@claws/service-kit";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createRedis } from "./create-redis.ts";
import { defineScript } from "./define-script.ts";
import { isRedisReady } from "./is-redis-ready.ts";
import { startRedis, type TestRedis } from "./testing/start-redis.ts";

const logger = createLogger("test");
logger.level = "silent";

const countUp = defineScript({
  name: "count-up",
  lua: `return {redis.call("INCRBY", KEYS[1], ARGV[1]), "text"}`,
  readReply(reply) {
    if (!Array.isArray(reply) || typeof reply[0] !== "number") throw new Error("an unexpected reply");
    return reply[0];
  },
});

/** Writes two keys, so that the append-only file holds a transaction. */
const writeTwo = defineScript({
  name: "write-two",
  lua: `redis.call("SET", KEYS[1], ARGV[1]) redis.call("SET", KEYS[2], ARGV[1]) return 1`,
  readReply: () => undefined,
});

const unavailable = { problem: { code: "service_unavailable", service: "redis", status: 503 } };

describe("redis-kit against a real Redis", () => {
  let server: TestRedis;
  let redis: Redis;
  const connectAs = (password: string) =>
    createRedis({ host: server.host, port: server.port, username: "worker", password, logger });
  const untilReady = () =>
    vi.waitFor(async () => expect(await isRedisReady(redis)).toBe(true), { timeout: 15_000 });

  beforeAll(async () => {
    server = await startRedis({
      users: [
        // Off, with its permissions kept: Redis replays transactions of the append-only file as this
        // user and silently drops what it may not do (redis/redis#14541).
        "user default off resetpass ~* &* +@all",
        "user worker on >secret resetchannels ~{work}:* +@read +@write +@scripting +@connection -@dangerous",
      ],
    });
    redis = connectAs("secret");
    await untilReady();
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });

  it("a script runs although Redis has never seen it, and again by its hash", async () => {
    expect(await countUp.run(redis, ["{work}:a"], [2])).toBe(2);
    expect(await countUp.run(redis, ["{work}:a"], [3])).toBe(5);
  });

  it("a script may not touch keys outside the service's own", async () => {
    await expect(countUp.run(redis, ["{other}:a"], [1])).rejects.toMatchObject(unavailable);
  });

  it("a reply of the wrong shape is a failure of Redis, not a value", async () => {
    const odd = defineScript({
      name: "odd",
      lua: "return 1",
      readReply: () => {
        throw new Error("not that");
      },
    });
    await expect(odd.run(redis, [], [])).rejects.toBeInstanceOf(ProblemError);
  });

  it("a wrong password is never ready and refuses", async () => {
    const stranger = connectAs("wrong");
    expect(await isRedisReady(stranger)).toBe(false);
    await expect(countUp.run(stranger, ["{work}:a"], [1])).rejects.toMatchObject(unavailable);
    stranger.disconnect();
  });

  it("what a script wrote survives a crash although the default user is off", async () => {
    await writeTwo.run(redis, ["{work}:x", "{work}:y"], ["kept"]);
    await server.kill();
    await server.start();
    await untilReady();
    expect(await redis.mget("{work}:x", "{work}:y")).toEqual(["kept", "kept"]);
  });

  it("nobody gets in without a password", async () => {
    const { host, port } = server;
    const stranger = new Redis({
      host,
      port,
      lazyConnect: true,
      retryStrategy: null,
      enableReadyCheck: false,
    });
    stranger.on("error", () => undefined);
    await expect(stranger.connect().then(() => stranger.ping())).rejects.toThrow();
    stranger.disconnect();
  });

  it("a killed Redis refuses at once, and the connection recovers with the data kept", async () => {
    await countUp.run(redis, ["{work}:kept"], [7]);
    await server.kill();
    await expect(countUp.run(redis, ["{work}:kept"], [1])).rejects.toMatchObject(unavailable);
    expect(await isRedisReady(redis)).toBe(false);
    await server.start();
    await untilReady();
    expect(await countUp.run(redis, ["{work}:kept"], [1])).toBe(8);
  });
});

describe("startRedis", () => {
  it("fails with what to install where redis-server is missing", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = "/nonexistent";
    try {
      await expect(startRedis()).rejects.toThrow("apt-get install redis-server");
    } finally {
      process.env["PATH"] = path;
    }
  });
});
