import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { EgressCaller, type EgressGrant, type EgressQuotas, type EgressTake } from "@claws/contracts";
import { createRedis, isRedisReady } from "@claws/redis-kit";
import { startRedis, type TestRedis } from "@claws/redis-kit/testing";
import { createLogger } from "@claws/service-kit";
import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createEgressLedger, type EgressLedger } from "./egress-ledger.ts";

const logger = createLogger("test");
logger.level = "silent";

const KB = 1_024;
const quotasOf = (change: Partial<EgressQuotas> = {}): EgressQuotas => ({
  requestsPerMinute: 100,
  connections: 10,
  uploadBytesPerSession: 1_000_000,
  downloadBytesPerSession: 1_000_000,
  uploadBytesPerHost: 1_000_000,
  downloadBytesPerHost: 1_000_000,
  idleSeconds: 60,
  totalSeconds: 60,
  ...change,
});

describe("the shares of egress in a real Redis", () => {
  let server: TestRedis;
  let redis: Redis;
  let ledger: EgressLedger;
  let caller: EgressCaller;

  beforeAll(async () => {
    server = await startRedis({ users: ["user rate-limiter on >secret ~{limits}:* +@all"] });
    const { host, port } = server;
    redis = createRedis({ host, port, username: "rate-limiter", password: "secret", logger });
    await vi.waitFor(async () => expect(await isRedisReady(redis)).toBe(true), { timeout: 15_000 });
    ledger = createEgressLedger(redis);
  });
  beforeEach(async () => {
    await redis.flushall();
    caller = callerOf("main");
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });

  const callerOf = (agent: string, session: string = randomUUID()) =>
    EgressCaller.parse({ kind: "agent", agent, session });
  const asking = (change: Partial<EgressTake> = {}): EgressTake => ({
    id: randomUUID(),
    caller,
    host: "example.org",
    requests: 0,
    upBytes: 0,
    downBytes: 0,
    ...change,
  });
  async function take(change: Partial<EgressTake>, quotas = quotasOf(), from = ledger): Promise<EgressGrant> {
    const grant = await from.take(asking(change), quotas);
    if (grant === undefined) throw new Error("the id is taken");
    return grant;
  }
  const giveBack = (change: { host?: string; upBytes?: number; downBytes?: number; id?: string }) => {
    const { requests: _requests, ...body } = asking(change);
    return ledger.giveBack(body);
  };
  /** What is counted of this caller's session: `up`, `down`, `up@host`, `down@host`. */
  const counted = async (of = caller) => {
    const name = of.kind === "agent" ? `agent:${of.agent}` : `server:${of.server}`;
    const fields = await redis.hgetall(`{limits}:egress:bytes:${name}:${of.session}`);
    return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, Number(value)]));
  };

  describe("bytes", () => {
    it.each([
      ["all of it is there", { uploadBytesPerHost: 60_000 }, 60_000, []],
      [
        "the host has less",
        { uploadBytesPerHost: 50_000 },
        50_000,
        [{ what: "upBytes", key: "egress.quotas.uploadMbPerHost", limit: 50_000, retryAfterMs: null }],
      ],
      [
        "the session has less",
        { uploadBytesPerSession: 40_000, uploadBytesPerHost: 50_000 },
        40_000,
        [{ what: "upBytes", key: "egress.quotas.uploadMbPerSession", limit: 40_000, retryAfterMs: null }],
      ],
      // Beyond 64 KiB nobody gets more than an eighth of what is left; nothing is used up, so nothing is refused.
      ["much is left: an eighth of it", { uploadBytesPerHost: 640_000 }, 60_000, []],
    ] as const)("%s", async (_name, change, upBytes, refused) => {
      const grant = await take({ upBytes: 60_000 }, quotasOf(change));
      expect(grant).toEqual({ requests: 0, upBytes, downBytes: 0, refused });
    });

    it("shares shrink near the limit, and the last one takes all that is left", async () => {
      const grants: number[] = [];
      for (let granted = 1; granted > 0; ) {
        ({ downBytes: granted } = await take({ downBytes: 1_000_000 }));
        grants.push(granted);
      }
      expect(grants.reduce((sum, granted) => sum + granted)).toBe(1_000_000);
      expect(grants[0]).toBe(125_000);
      expect(grants.slice(1).every((granted, index) => granted <= (grants[index] ?? 0))).toBe(true);
      expect(grants.slice(0, -2).every((granted) => granted >= 64 * KB)).toBe(true);
    });

    it("directions, hosts, sessions and callers are counted apart, a session over its hosts", async () => {
      const quotas = quotasOf({ uploadBytesPerSession: 15_000, uploadBytesPerHost: 10_000 });
      const all = { upBytes: 20_000, downBytes: 20_000 };
      expect(await take(all, quotas)).toMatchObject({ upBytes: 10_000, downBytes: 20_000 });
      expect(await take({ ...all, host: "b.example.org" }, quotas)).toMatchObject({ upBytes: 5_000 });
      expect(await take({ ...all, host: "c.example.org" }, quotas)).toMatchObject({
        upBytes: 0,
        refused: [{ key: "egress.quotas.uploadMbPerSession" }],
      });
      expect(await take({ ...all, caller: callerOf("main") }, quotas)).toMatchObject({ upBytes: 10_000 });
      const server = EgressCaller.parse({ kind: "server", server: "main", session: caller.session });
      expect(await take({ ...all, caller: server }, quotas)).toMatchObject({ upBytes: 10_000 });
    });

    it("a limit that was lowered gives nothing more, and a raised one gives the difference", async () => {
      await take({ upBytes: 60_000 });
      expect(await take({ upBytes: 1 }, quotasOf({ uploadBytesPerHost: 10_000 }))).toMatchObject({
        upBytes: 0,
      });
      expect(await take({ upBytes: 9_000 }, quotasOf({ uploadBytesPerHost: 60_100 }))).toMatchObject({
        upBytes: 100,
      });
    });

    it("amounts near 2^53 stay exact", async () => {
      const most = Number.MAX_SAFE_INTEGER;
      const quotas = quotasOf({ uploadBytesPerSession: most, uploadBytesPerHost: most });
      const { upBytes } = await take({ upBytes: most }, quotas);
      expect(upBytes).toBe(Math.ceil(most / 8));
      expect(await counted()).toMatchObject({ up: upBytes, "up@example.org": upBytes });
    });

    it("what is given back may be taken again", async () => {
      const quotas = quotasOf({ uploadBytesPerHost: 50_000 });
      await take({ upBytes: 50_000 }, quotas);
      await giveBack({ upBytes: 20_000 });
      expect(await take({ upBytes: 50_000 }, quotas)).toMatchObject({ upBytes: 20_000 });
    });

    it.each([
      ["more than was taken", { upBytes: 70_000, downBytes: 1 }],
      ["of a host that nobody knows", { host: "other.example.org", upBytes: 10, downBytes: 10 }],
    ])("a return of %s leaves no counter below nothing", async (_name, back) => {
      await take({ upBytes: 60_000 });
      expect(await giveBack(back)).toBe(true);
      expect(Math.min(...Object.values(await counted()))).toBeGreaterThanOrEqual(0);
    });

    it("a return for a session that nobody knows counts nothing", async () => {
      expect(await giveBack({ upBytes: 10 })).toBe(true);
      expect(await counted()).toEqual({});
    });

    it("of very many hosts the later ones are counted together", async () => {
      const key = `{limits}:egress:bytes:agent:main:${caller.session}`;
      await take({ host: "known.example.org", upBytes: 10 });
      const others = Array.from({ length: 20_000 }, (_, index) => [`x${index}`, "0"]);
      await redis.hset(key, Object.fromEntries(others));
      const quotas = quotasOf({ uploadBytesPerHost: 1_000 });
      expect(await take({ host: "a.example.org", upBytes: 700 }, quotas)).toMatchObject({ upBytes: 700 });
      expect(await take({ host: "b.example.org", upBytes: 700 }, quotas)).toMatchObject({ upBytes: 300 });
      expect(await take({ host: "known.example.org", upBytes: 700 }, quotas)).toMatchObject({ upBytes: 700 });
      await giveBack({ host: "a.example.org", upBytes: 700 });
      expect(await counted()).toMatchObject({ "up@*": 300, "up@known.example.org": 710 });
      expect(await counted()).not.toHaveProperty(["up@a.example.org"]);
    });

    it("counters live for a week after their last use", async () => {
      await take({ upBytes: 10 });
      const lasts = await redis.pttl(`{limits}:egress:bytes:agent:main:${caller.session}`);
      expect(lasts).toBeGreaterThan(6 * 86_400_000);
      expect(lasts).toBeLessThanOrEqual(7 * 86_400_000);
    });
  });

  describe("requests", () => {
    const quotas = quotasOf({ requestsPerMinute: 10 });

    it("a share is cut to what is left, over all sessions of a caller", async () => {
      expect(await take({ requests: 7 }, quotas)).toMatchObject({ requests: 7, refused: [] });
      const cut = await take({ requests: 7, caller: callerOf("main") }, quotas);
      expect(cut).toMatchObject({
        requests: 3,
        refused: [{ what: "requests", key: "egress.quotas.requestsPerMinute", limit: 10 }],
      });
      expect(cut.refused[0]?.retryAfterMs).toBeGreaterThan(0);
      expect(cut.refused[0]?.retryAfterMs).toBeLessThanOrEqual(60_000);
      expect(await take({ requests: 1, caller: callerOf("other") }, quotas)).toMatchObject({ requests: 1 });
    });

    it("200 takes at once on a rate of 30 get exactly thirty", async () => {
      const grants = await Promise.all(
        Array.from({ length: 200 }, () => take({ requests: 1 }, quotasOf({ requestsPerMinute: 30 }))),
      );
      expect(grants.reduce((sum, { requests }) => sum + requests, 0)).toBe(30);
    });

    it("comes back when the window has passed", async () => {
      const brief = createEgressLedger(redis, { windowMs: 200 });
      await take({ requests: 10 }, quotas, brief);
      const { refused } = await take({ requests: 1 }, quotas, brief);
      await sleep((refused[0]?.retryAfterMs ?? Number.NaN) + 5);
      expect(await take({ requests: 10 }, quotas, brief)).toMatchObject({ requests: 10, refused: [] });
    });

    it("a lowered limit says when enough has left, also behind many takes", async () => {
      const takeMany = async (count: number) => {
        for (let done = 0; done < count; done++) await take({ requests: 1 });
      };
      const retryAt = async (requestsPerMinute: number) => {
        const { refused } = await take({ requests: 1 }, quotasOf({ requestsPerMinute }));
        return Date.now() + (refused[0]?.retryAfterMs ?? Number.NaN);
      };
      await takeMany(30);
      await sleep(200);
      await takeMany(40);
      // For a limit of 50 the 21st must have left, for one of 5 the 66th, which came after the pause.
      expect((await retryAt(5)) - (await retryAt(50))).toBeGreaterThan(100);
    });
  });

  describe("idempotence", () => {
    it("the same take again has the same grant and counts once", async () => {
      const asked = asking({ requests: 80, upBytes: 60_000, downBytes: 2_000_000 });
      const first = await ledger.take(asked, quotasOf());
      const again = await ledger.take(asked, quotasOf({ requestsPerMinute: 1, uploadBytesPerHost: 1 }));
      expect(again).toEqual(first);
      expect(await counted()).toMatchObject({ up: 60_000, down: 125_000 });
      expect(await take({ requests: 100 })).toMatchObject({ requests: 20 });
    });

    it("a refusal is repeated word for word", async () => {
      const quotas = quotasOf({ requestsPerMinute: 1, uploadBytesPerHost: 1 });
      const asked = asking({ requests: 2, upBytes: 2 });
      const first = await ledger.take(asked, quotas);
      expect(first?.refused).toHaveLength(2);
      expect(await ledger.take(asked, quotasOf())).toEqual(first);
    });

    it("the same return again counts once", async () => {
      await take({ upBytes: 60_000 });
      const id = randomUUID();
      for (let count = 0; count < 3; count++) expect(await giveBack({ id, upBytes: 10_000 })).toBe(true);
      expect(await counted()).toMatchObject({ up: 50_000, "up@example.org": 50_000 });
    });

    it("an id with other contents is a conflict", async () => {
      const asked = asking({ upBytes: 1 });
      await ledger.take(asked, quotasOf());
      expect(await ledger.take({ ...asked, upBytes: 2 }, quotasOf())).toBeUndefined();
      const id = randomUUID();
      await giveBack({ id, upBytes: 1 });
      expect(await giveBack({ id, upBytes: 2 })).toBe(false);
    });
  });

  it("any interleaving of clients that take, use, repeat and give back: never over a limit, exact in the end", async () => {
    const HOSTS = ["a.example.org", "b.example.org", "c.example.org"] as const;
    const LIMITS = { session: 300_000, host: 150_000 };
    const quotas = quotasOf({
      uploadBytesPerSession: LIMITS.session,
      uploadBytesPerHost: LIMITS.host,
      downloadBytesPerSession: 2 * LIMITS.session,
      downloadBytesPerHost: 2 * LIMITS.host,
    });
    const step = fc.record({
      client: fc.nat(2),
      host: fc.nat(HOSTS.length - 1),
      does: fc.constantFrom("take", "take", "use", "use", "give back", "repeat take", "repeat return"),
      up: fc.nat(120_000),
      down: fc.nat(240_000),
      /** Sent together with the next one, so that Redis decides which comes first. */
      isAtOnce: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const caller = callerOf("main");
        const held = new Map<string, { up: number; down: number }>();
        const used = new Map<string, { up: number; down: number }>();
        let lastTake: EgressTake | undefined;
        let lastReturn: Parameters<EgressLedger["giveBack"]>[0] | undefined;
        const at = (map: typeof held, key: string) => {
          const known = map.get(key) ?? { up: 0, down: 0 };
          map.set(key, known);
          return known;
        };
        const back = async (key: string, host: string) => {
          const lease = at(held, key);
          const body = { id: randomUUID(), caller, host, upBytes: lease.up, downBytes: lease.down };
          Object.assign(lease, { up: 0, down: 0 });
          lastReturn = body;
          await ledger.giveBack(body);
        };
        const run = async ({ client, host: index, does, up, down }: (typeof steps)[number]) => {
          const host = HOSTS[index] ?? HOSTS[0];
          const key = `${client} ${host}`;
          const lease = at(held, key);
          switch (does) {
            case "take": {
              const asked = { id: randomUUID(), caller, host, requests: 0, upBytes: up, downBytes: down };
              lastTake = asked;
              const grant = await ledger.take(asked, quotas);
              lease.up += grant?.upBytes ?? 0;
              lease.down += grant?.downBytes ?? 0;
              return;
            }
            case "use": {
              const passes = { up: Math.min(up, lease.up), down: Math.min(down, lease.down) };
              lease.up -= passes.up;
              lease.down -= passes.down;
              at(used, host).up += passes.up;
              at(used, host).down += passes.down;
              return;
            }
            case "give back":
              return back(key, host);
            case "repeat take":
              return void (lastTake && (await ledger.take(lastTake, quotas)));
            case "repeat return":
              return void (lastReturn && (await ledger.giveBack(lastReturn)));
          }
        };
        const sumOf = (map: typeof held, direction: "up" | "down") =>
          [...map.values()].reduce((sum, entry) => sum + entry[direction], 0);
        const assertLimits = async () => {
          for (const [direction, factor] of [
            ["up", 1],
            ["down", 2],
          ] as const) {
            expect(sumOf(used, direction)).toBeLessThanOrEqual(factor * LIMITS.session);
            for (const host of HOSTS)
              expect(at(used, host)[direction]).toBeLessThanOrEqual(factor * LIMITS.host);
          }
          const counters = await counted(caller);
          expect(Math.min(0, ...Object.values(counters))).toBe(0);
          expect(counters["up"] ?? 0).toBe(sumOf(held, "up") + sumOf(used, "up"));
          expect(counters["down"] ?? 0).toBe(sumOf(held, "down") + sumOf(used, "down"));
        };

        let together: Promise<void>[] = [];
        for (const each of steps) {
          together.push(run(each));
          if (each.isAtOnce) continue;
          await Promise.all(together);
          together = [];
          await assertLimits();
        }
        await Promise.all(together);
        for (const key of held.keys()) await back(key, key.slice(2));
        await assertLimits();
        const counters = await counted(caller);
        for (const host of HOSTS) {
          expect(counters[`up@${host}`] ?? 0).toBe(at(used, host).up);
          expect(counters[`down@${host}`] ?? 0).toBe(at(used, host).down);
        }
      }),
      { seed: 8, numRuns: 60 },
    );
  }, 60_000);
});
