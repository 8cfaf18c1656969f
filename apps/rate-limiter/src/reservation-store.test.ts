import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type AdmissionRequest, AgentId, MicroUsd, SessionId } from "@claws/contracts";
import { createRedis, isRedisReady } from "@claws/redis-kit";
import { startRedis, type TestRedis } from "@claws/redis-kit/testing";
import { createLogger } from "@claws/service-kit";
import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AdmissionLimits, RateLimit } from "./decide-limits.ts";
import { createReservationStore } from "./reservation-store.ts";
import type { ReservationStore } from "./routes.ts";

const logger = createLogger("test");
logger.level = "silent";
const agent = AgentId.parse("main");
const usd = (amount: number) => MicroUsd.parse(amount);

interface Wanted {
  readonly agentRate?: number;
  readonly toolRate?: number;
  readonly session?: number;
  readonly day?: number;
}

function limitsOf({
  agentRate = 1_000,
  toolRate,
  session = 1_000,
  day = 1_000_000,
}: Wanted): AdmissionLimits {
  const rates: RateLimit[] = [
    { scope: "agent", key: "limits.callsPerMinute", limit: agentRate, counter: { of: "agent", agent } },
  ];
  if (toolRate !== undefined) {
    rates.push({
      scope: "tool",
      key: "tools.rules[0].callsPerMinute",
      limit: toolRate,
      counter: { of: "tool", agent, match: "fs__*" },
    });
  }
  return {
    rates,
    session: { scope: "session", key: "limits.costPerSessionUsd", limit: session },
    day: { scope: "day", key: "limits.costPerDayUsd", limit: day },
  };
}

describe("reservations in a real Redis", () => {
  let server: TestRedis;
  let redis: Redis;
  let store: ReservationStore;
  let session: SessionId;

  beforeAll(async () => {
    server = await startRedis({ users: ["user rate-limiter on >secret ~{limits}:* +@all"] });
    const { host, port } = server;
    redis = createRedis({ host, port, username: "rate-limiter", password: "secret", logger });
    await vi.waitFor(async () => expect(await isRedisReady(redis)).toBe(true), { timeout: 15_000 });
    store = createReservationStore(redis);
  });
  beforeEach(async () => {
    await redis.flushall();
    session = SessionId.parse(randomUUID());
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });

  const ask = (change: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
    id: randomUUID(),
    agent,
    session,
    kind: "tool",
    subject: "fs__read",
    estimateMicroUsd: usd(100),
    leaseMs: 60_000,
    ...change,
  });
  const spend = () => store.readSpend(agent, session);
  const whenLeaseEnds = () => sleep(20);

  it("200 admissions at once on a budget for ten admit exactly ten", async () => {
    const admissions = await Promise.all(
      Array.from({ length: 200 }, () => store.admit(ask(), limitsOf({ session: 1_000 }))),
    );
    expect(admissions.filter((admission) => admission?.outcome === "admitted")).toHaveLength(10);
    expect(await spend()).toEqual({ committed: 0, reserved: 1_000 });
  });

  it("200 calls at once on a rate of 30 admit exactly thirty", async () => {
    const admissions = await Promise.all(
      Array.from({ length: 200 }, () =>
        store.admit(ask({ estimateMicroUsd: usd(0) }), limitsOf({ agentRate: 30 })),
      ),
    );
    expect(admissions.filter((admission) => admission?.outcome === "admitted")).toHaveLength(30);
  });

  it.each([
    ["the last micro-dollar fits", { session: 100 }, "admitted"],
    ["one micro-dollar over the session", { session: 99 }, "session limits.costPerSessionUsd 99 0 null"],
    ["one micro-dollar over the day, at any hour", { day: 99 }, "day limits.costPerDayUsd 99 0 null"],
  ] as const)("%s", async (_name, wanted, expected) => {
    const admission = await store.admit(ask(), limitsOf(wanted));
    expect(describeAdmission(admission)).toBe(expected);
  });

  it("a refusal names the rate, its profile key, and when to try again", async () => {
    const limits = limitsOf({ toolRate: 1 });
    await store.admit(ask(), limits);
    const refused = await store.admit(ask(), limits);
    expect(refused).toMatchObject({
      outcome: "refused",
      code: "rate_limited",
      scope: "tool",
      key: "tools.rules[0].callsPerMinute",
      limit: 1,
      used: 1,
    });
    const retryAfterMs = refused?.outcome === "refused" ? refused.retryAfterMs : null;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it("a day's budget that is used up may be tried again within a day", async () => {
    const limits = limitsOf({ day: 150 });
    await store.admit(ask(), limits);
    const refused = await store.admit(ask(), limits);
    expect(refused).toMatchObject({ scope: "day", code: "budget_exceeded", used: 100 });
    const retryAfterMs = refused?.outcome === "refused" ? refused.retryAfterMs : null;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(86_400_000);
  });

  it("a call that one limit refuses is counted by none", async () => {
    await store.admit(ask(), limitsOf({ session: 50 }));
    await store.admit(ask(), limitsOf({ day: 50 }));
    await store.admit(ask(), limitsOf({ toolRate: 1 }));
    await store.admit(ask(), limitsOf({ toolRate: 1 }));
    expect(await redis.zcard("{limits}:rate:agent:main")).toBe(1);
    expect(await spend()).toEqual({ committed: 0, reserved: 100 });
  });

  it("a call leaves the window after its length and not before", async () => {
    const short = createReservationStore(redis, { windowMs: 1_000 });
    const limits = limitsOf({ agentRate: 2 });
    await short.admit(ask(), limits);
    await short.admit(ask(), limits);
    const refused = await short.admit(ask(), limits);
    expect(refused?.outcome).toBe("refused");
    await sleep((refused?.outcome === "refused" ? (refused.retryAfterMs ?? 0) : 0) + 5);
    expect((await short.admit(ask(), limits))?.outcome).toBe("admitted");
  });

  it("a limit lowered below what is used refuses until enough calls left", async () => {
    for (let call = 0; call < 5; call++) await store.admit(ask(), limitsOf({ agentRate: 5 }));
    expect(await store.admit(ask(), limitsOf({ agentRate: 2 }))).toMatchObject({ limit: 2, used: 5 });
  });

  it("the same id again gets the same answer and is counted once", async () => {
    const admitted = ask();
    const limits = limitsOf({ session: 150 });
    const first = await store.admit(admitted, limits);
    expect(await store.admit(admitted, limits)).toEqual(first);
    const refused = ask();
    const second = await store.admit(refused, limits);
    expect(second?.outcome).toBe("refused");
    expect(await store.admit(refused, limits)).toEqual(second);
    expect(await spend()).toEqual({ committed: 0, reserved: 100 });
  });

  it("an id that belongs to another request is not answered for it", async () => {
    const first = ask();
    await store.admit(first, limitsOf({}));
    expect(await store.admit({ ...first, estimateMicroUsd: usd(1) }, limitsOf({}))).toBeUndefined();
  });

  it.each([
    ["less than the estimate", 40, 40],
    ["more than the estimate", 400, 400],
    ["nothing", 0, 0],
  ])("a commit books what was spent: %s", async (_name, actual, committed) => {
    const request = ask();
    await store.admit(request, limitsOf({}));
    expect(await store.settle(request.id, { outcome: "commit", actualMicroUsd: usd(actual) })).toEqual({
      state: "committed",
    });
    expect(await spend()).toEqual({ committed, reserved: 0 });
  });

  it("after a call cost more than its estimate, the next is refused", async () => {
    const request = ask();
    await store.admit(request, limitsOf({ session: 100 }));
    await store.settle(request.id, { outcome: "commit", actualMicroUsd: usd(101) });
    expect(await store.admit(ask({ estimateMicroUsd: usd(0) }), limitsOf({ session: 100 }))).toMatchObject({
      outcome: "refused",
      scope: "session",
      used: 101,
    });
  });

  it("a released reservation gives its money back, once", async () => {
    const request = ask();
    await store.admit(request, limitsOf({}));
    expect(await store.settle(request.id, { outcome: "release" })).toEqual({ state: "released" });
    expect(await store.settle(request.id, { outcome: "release" })).toEqual({ state: "repeated" });
    expect(await store.settle(request.id, { outcome: "commit", actualMicroUsd: usd(9) })).toEqual({
      state: "repeated",
    });
    expect(await spend()).toEqual({ committed: 0, reserved: 0 });
  });

  it("50 settlements of one reservation at once book one", async () => {
    const request = ask();
    await store.admit(request, limitsOf({}));
    const results = await Promise.all(
      Array.from({ length: 50 }, () =>
        store.settle(request.id, { outcome: "commit", actualMicroUsd: usd(70) }),
      ),
    );
    expect(results.filter((result) => result?.state === "committed")).toHaveLength(1);
    expect(await spend()).toEqual({ committed: 70, reserved: 0 });
  });

  it("a reservation that nobody settles is charged at its estimate when its lease ends", async () => {
    await store.admit(ask({ leaseMs: 1 }), limitsOf({}));
    await whenLeaseEnds();
    expect(await spend()).toEqual({ committed: 100, reserved: 0 });
  });

  it.each([
    ["a late commit books the difference", { outcome: "commit", actualMicroUsd: usd(30) }, 30],
    ["a late commit of more books more", { outcome: "commit", actualMicroUsd: usd(130) }, 130],
    ["a late release gives the estimate back", { outcome: "release" }, 0],
  ] as const)("%s", async (_name, settlement, committed) => {
    const request = ask({ leaseMs: 1 });
    await store.admit(request, limitsOf({}));
    await whenLeaseEnds();
    expect(await store.settle(request.id, settlement)).toEqual({ state: "late" });
    expect(await store.settle(request.id, settlement)).toEqual({ state: "repeated" });
    expect(await spend()).toEqual({ committed, reserved: 0 });
  });

  it("what was never admitted, or was refused, cannot be settled", async () => {
    const refused = ask();
    await store.admit(refused, limitsOf({ session: 1 }));
    expect(await store.settle(refused.id, { outcome: "release" })).toBeUndefined();
    expect(await store.settle(randomUUID(), { outcome: "release" })).toBeUndefined();
  });

  it("spent and reserved never exceed the budget, however admissions and settlements interleave", async () => {
    const BUDGET = 500;
    const step = fc.record({
      estimate: fc.integer({ min: 0, max: 200 }),
      lease: fc.constantFrom(1, 60_000),
      end: fc.constantFrom("commit", "release", "leave"),
      /** Of the estimate, in hundredths. */
      share: fc.integer({ min: 0, max: 100 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        session = SessionId.parse(randomUUID());
        const limits = limitsOf({ agentRate: 1_000_000, session: BUDGET });
        await Promise.all(
          steps.map(async ({ estimate, lease, end, share }) => {
            const request = ask({ estimateMicroUsd: usd(estimate), leaseMs: lease });
            const admission = await store.admit(request, limits);
            if (admission?.outcome === "admitted" && end !== "leave") {
              const actualMicroUsd = usd(Math.floor((estimate * share) / 100));
              await store.settle(
                request.id,
                end === "commit" ? { outcome: end, actualMicroUsd } : { outcome: end },
              );
            }
            const { committed, reserved } = await spend();
            expect(committed + reserved).toBeLessThanOrEqual(BUDGET);
            expect(committed).toBeGreaterThanOrEqual(0);
            expect(reserved).toBeGreaterThanOrEqual(0);
          }),
        );
      }),
      { numRuns: 40 },
    );
  });
});

function describeAdmission(admission: Awaited<ReturnType<ReservationStore["admit"]>>): string | undefined {
  if (admission?.outcome !== "refused") return admission?.outcome;
  const { scope, key, limit, used, retryAfterMs } = admission;
  return `${scope} ${key} ${limit} ${used} ${retryAfterMs}`;
}
