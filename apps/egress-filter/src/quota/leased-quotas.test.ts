import { randomUUID } from "node:crypto";
import { EgressCaller } from "@claws/contracts";
import { createLogger, type ServiceClient } from "@claws/service-kit";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ByteAllowance, ConnectionQuota, Quotas } from "./connection-quota.ts";
import { createLeasedQuotas } from "./leased-quotas.ts";
import { createTestClient, PLENTY } from "./testing/memory-client.ts";
import type { ByteLimits } from "./testing/memory-limiter.ts";
import { createTestClock, untilQuiet } from "./testing/turned-clock.ts";

const logger = createLogger("test");
logger.level = "silent";

const MB = 1_000_000;
const HOST = "example.org";

const callerOf = (session: string = randomUUID()) =>
  EgressCaller.parse({ kind: "agent", agent: "main", session });

const open: Quotas[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(open.splice(0).map((quotas) => quotas.close()));
});

function setUp(limits: Partial<ByteLimits> = {}, options: { sweepMs?: number; maxAccounts?: number } = {}) {
  const time = createTestClock();
  const { client, state, limiter } = createTestClient({ ...PLENTY, ...limits });
  const start = () => {
    const quotas = createLeasedQuotas({ client, logger, clock: time.clock, sweepMs: 1_000_000, ...options });
    open.push(quotas);
    return quotas;
  };
  return { quotas: start(), start, state, limiter, turn: (ms: number) => time.turn(ms) };
}

async function connect(quotas: Quotas, caller = callerOf(), host = HOST): Promise<ConnectionQuota> {
  const admission = await quotas.admit(caller, host);
  if (!admission.ok) throw new Error(admission.detail);
  return admission.quota;
}

/** Sends chunks until no more may go. Returns what went. */
async function sendAll(allowance: ByteAllowance, total: number, chunk = 65_536): Promise<number> {
  let sent = 0;
  while (sent < total) {
    const size = Math.min(chunk, total - sent);
    const verdict = allowance.use(size);
    if (verdict !== true && !(await verdict)) return sent;
    sent += size;
  }
  return sent;
}

describe("bytes", () => {
  it("use is answered at once while the lease lasts, and leases grow while they are used up quickly", async () => {
    const { quotas, limiter } = setUp();
    const { down } = await connect(quotas);
    let waits = 0;
    for (let count = 0; count < 10_000; count++) {
      const verdict = down.use(16_384);
      if (verdict !== true) {
        waits++;
        await verdict;
      }
      // As between two reads of a socket.
      await untilQuiet();
    }
    expect(waits).toBe(0);
    // 164 MB in leases of at most 16 MiB, refilled at half: a call for each 1 MiB would be 156.
    expect(limiter.calls.takes).toBeLessThan(40);
  });

  it("all connections of a session to one host share one lease", async () => {
    const { quotas, limiter } = setUp();
    const caller = callerOf();
    const first = await connect(quotas, caller);
    const { takes } = limiter.calls;
    const second = await connect(quotas, caller);
    expect(second.up).toBe(first.up);
    // Its request is another one, and the only thing that was taken.
    expect(limiter.calls.takes).toBe(takes + 1);
    expect((await connect(quotas, caller, "other.org")).up).not.toBe(first.up);
    expect((await connect(quotas, callerOf())).up).not.toBe(first.up);
  });

  it.each([
    ["upload", "up", { upPerHost: MB }, "egress.quotas.uploadMbPerHost"],
    ["upload", "up", { upPerSession: MB }, "egress.quotas.uploadMbPerSession"],
    ["download", "down", { downPerHost: MB }, "egress.quotas.downloadMbPerHost"],
    ["download", "down", { downPerSession: MB }, "egress.quotas.downloadMbPerSession"],
  ] as const)(
    "%s (%s) ends within a chunk of its limit %j, and says so",
    async (load, direction, limits, key) => {
      const { quotas, limiter } = setUp(limits);
      const caller = callerOf();
      const connection = await connect(quotas, caller);
      const sent = await sendAll(connection[direction], 2 * MB);
      expect(sent).toBeLessThanOrEqual(MB);
      expect(sent).toBeGreaterThan(MB - 65_536);
      // The rest may still be used, to the last byte.
      expect(sent + (await sendAll(connection[direction], MB, 1))).toBe(MB);

      const { takes } = limiter.calls;
      for (let count = 0; count < 20; count++) {
        const refusal = await quotas.admit(caller, HOST);
        expect(refusal).toMatchObject({ ok: false, reason: "budget_exceeded", key });
        expect(!refusal.ok && refusal.detail).toContain(`the ${load} budget of this session`);
        expect(!refusal.ok && refusal.detail).toContain(
          `(1 MB): start a new session, or ask the operator to raise ${key}`,
        );
      }
      // Twenty more requests, taken in growing shares; no byte was asked for.
      expect(limiter.calls.takes - takes).toBeLessThan(8);
    },
  );

  it("a budget that was raised is noticed after some seconds", async () => {
    const limits = { ...PLENTY, upPerHost: MB };
    const { client } = createTestClient(limits);
    const time = createTestClock();
    const quotas = createLeasedQuotas({ client, logger, clock: time.clock });
    open.push(quotas);
    const { up } = await connect(quotas);
    await sendAll(up, 2 * MB, 1_000);
    expect(await up.use(1)).toBe(false);
    limits.upPerHost = 2 * MB;
    expect(await up.use(1)).toBe(false);
    time.turn(3_000);
    expect(await up.use(1)).toBe(true);
  });

  it("what several threads hold is never more than the limit together", async () => {
    const { start, limiter } = setUp({ upPerSession: MB });
    const caller = callerOf();
    const connections = await Promise.all(Array.from({ length: 4 }, () => connect(start(), caller)));
    const sent = await Promise.all(connections.map(({ up }) => sendAll(up, MB, 8_192)));
    const total = sent.reduce((sum, each) => sum + each);
    expect(total).toBeLessThanOrEqual(MB);
    expect(total).toBeGreaterThan(MB - 4 * 8_192);
    expect(limiter.counted(HOST).up).toBe(MB);
  });

  it("what another thread gave back is asked for before a tunnel ends", async () => {
    const { quotas, start } = setUp({ upPerHost: 200_000 });
    const caller = callerOf();
    const other = start();
    await connect(other, caller);
    const { up } = await connect(quotas, caller);
    expect(await sendAll(up, 120_000, 60_000)).toBe(120_000);
    await untilQuiet();
    // By now all that is left has been granted, which is too little for the next chunk.
    await other.close();
    expect(await up.use(50_000)).toBe(true);
  });

  it("near the limit no more is held than one share and a half", async () => {
    const { quotas, limiter } = setUp({ upPerHost: 400_000 });
    const { up } = await connect(quotas);
    expect(up.use(40_000)).toBe(true);
    await untilQuiet();
    expect(limiter.counted(HOST).up).toBe(2 * 65_536);
  });

  it("a chunk that waits is not overtaken by smaller ones", async () => {
    const { quotas } = setUp();
    const { up } = await connect(quotas);
    const order: number[] = [];
    const large = Promise.resolve(up.use(3_000_000)).then(() => order.push(1));
    const small = Promise.resolve(up.use(1)).then(() => order.push(2));
    await Promise.all([large, small]);
    expect(order).toEqual([1, 2]);
  });

  it("a limiter that grants nothing and does not say why opens nothing", async () => {
    const grant = { requests: 1, upBytes: 0, downBytes: 0, refused: [] };
    const client: ServiceClient = {
      call: async (schema) => ({ ok: true, value: schema.parse(grant) }),
      isReachable: async () => true,
      close: async () => {},
    };
    const quotas = createLeasedQuotas({ client, logger });
    open.push(quotas);
    expect(await quotas.admit(callerOf(), HOST)).toMatchObject({ ok: false, reason: "dependency_down" });
  });

  it("RES-06: a tenth of the budget over each of 20 tunnels ends at the 11th", async () => {
    const { quotas } = setUp({ upPerHost: 10 * MB });
    const caller = callerOf();
    const outcomes: string[] = [];
    for (let count = 0; count < 20; count++) {
      const admission = await quotas.admit(caller, HOST);
      if (!admission.ok) outcomes.push(admission.reason);
      else {
        outcomes.push(String(await sendAll(admission.quota.up, MB)));
        admission.quota.close();
      }
    }
    expect(outcomes).toEqual([...Array(10).fill(String(MB)), ...Array(10).fill("budget_exceeded")]);
  });
});

describe("giving back", () => {
  it("what is left goes back when the last connection has been closed for a while", async () => {
    vi.useFakeTimers();
    const { quotas, limiter } = setUp({}, { sweepMs: 1_000 });
    const caller = callerOf();
    const [first, second] = [await connect(quotas, caller), await connect(quotas, caller)];
    expect(first.up.use(1_000)).toBe(true);
    first.close();
    first.close();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(limiter.calls.returns).toBe(0);
    second.close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(limiter.calls.returns).toBe(1);
    expect(limiter.counted(HOST)).toEqual({ up: 1_000, down: 0 });
  });

  it("an open connection that is silent keeps a little, and goes on without waiting", async () => {
    vi.useFakeTimers();
    const { quotas, limiter } = setUp({}, { sweepMs: 1_000 });
    const { up, down } = await connect(quotas);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(limiter.counted(HOST)).toEqual({ up: 16_384, down: 16_384 });
    expect([up.use(4_000), down.use(4_000)]).toEqual([true, true]);
  });

  it("close gives everything back, and nothing goes after it", async () => {
    const { quotas, limiter } = setUp();
    const hosts = Array.from({ length: 100 }, (_, index) => `h${index}.org`);
    const caller = callerOf();
    const connections = await Promise.all(hosts.map((host) => connect(quotas, caller, host)));
    for (const { up } of connections) expect(up.use(10)).toBe(true);
    await quotas.close();
    const { takes } = limiter.calls;
    expect(await connections[0]?.up.use(1)).toBe(false);
    expect(limiter.calls.takes).toBe(takes);
    expect(hosts.map((host) => limiter.counted(host))).toEqual(hosts.map(() => ({ up: 10, down: 0 })));
    expect(await quotas.admit(caller, HOST)).toMatchObject({ ok: false, reason: "dependency_down" });
  });

  it("a return without an answer is sent again under its id, and counts once", async () => {
    vi.useFakeTimers();
    const { quotas, limiter, state } = setUp({}, { sweepMs: 1_000 });
    (await connect(quotas)).close();
    state.losesAnswers = true;
    await vi.advanceTimersByTimeAsync(8_000);
    expect(limiter.calls.returns).toBeGreaterThan(1);
    state.losesAnswers = false;
    await vi.advanceTimersByTimeAsync(1_000);
    const { returns } = limiter.calls;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(limiter.calls.returns).toBe(returns);
    expect(limiter.counted(HOST)).toEqual({ up: 0, down: 0 });
  });

  it("of many hosts only so many accounts are kept; the oldest without a connection ends", async () => {
    const { quotas, limiter } = setUp({}, { maxAccounts: 10 });
    const caller = callerOf();
    const kept = await connect(quotas, caller, "kept.org");
    for (let count = 0; count < 100; count++) (await connect(quotas, caller, `h${count}.org`)).close();
    await untilQuiet();
    const isHeld = (host: string) => limiter.counted(host).up > 0;
    const held = Array.from({ length: 100 }, (_, index) => `h${index}.org`).filter(isHeld);
    expect(held).toEqual(Array.from({ length: 9 }, (_, index) => `h${91 + index}.org`));
    expect(isHeld("kept.org")).toBe(true);
    expect(kept.up.use(1)).toBe(true);
  });
});

describe("requests", () => {
  it("are refused beyond the limit, with the time to wait; what is refused asks nobody", async () => {
    const { quotas, limiter, turn } = setUp({ requests: 10 });
    const caller = callerOf();
    for (let count = 0; count < 10; count++) await connect(quotas, caller);
    const refusal = { ok: false, reason: "rate_limited", key: "egress.quotas.requestsPerMinute" };
    expect(await quotas.admit(caller, HOST)).toMatchObject({ ...refusal, retryAfterMs: 30_000 });
    const { takes } = limiter.calls;
    turn(2_000);
    expect(await quotas.admit(caller, HOST)).toMatchObject({ ...refusal, retryAfterMs: 28_000 });
    expect(limiter.calls.takes).toBe(takes);
    turn(4_000);
    limiter.requests.counted = 0;
    expect(await quotas.admit(caller, HOST)).toMatchObject({ ok: true });
  });

  it("of a connection that carries several are counted too", async () => {
    const { quotas } = setUp({ requests: 3 });
    const connection = await connect(quotas);
    const answers = [];
    for (let count = 0; count < 3; count++) answers.push((await connection.countRequest())?.reason);
    expect(answers).toEqual([undefined, undefined, "rate_limited"]);
  });

  it("many at once are taken together, and exactly as many begin as there are", async () => {
    const { quotas, limiter } = setUp({ requests: 300 });
    const caller = callerOf();
    const admissions = await Promise.all(Array.from({ length: 500 }, () => quotas.admit(caller, HOST)));
    expect(admissions.filter(({ ok }) => ok)).toHaveLength(300);
    expect(limiter.calls.takes).toBeLessThan(10);
  });

  it("one in a while takes one at a time, so that none is lost to an idle share", async () => {
    const { quotas, limiter, turn } = setUp();
    const caller = callerOf();
    for (let count = 1; count <= 20; count++) {
      await connect(quotas, caller);
      expect(limiter.requests.counted).toBe(count);
      turn(12_000);
    }
  });

  it("a share is void a minute after it was taken", async () => {
    const { quotas, limiter, turn } = setUp();
    const caller = callerOf();
    for (let count = 0; count < 60; count++) await connect(quotas, caller);
    await untilQuiet();
    expect(limiter.requests.counted).toBeGreaterThan(60);
    turn(60_000);
    limiter.requests.counted = PLENTY.requests;
    expect(await quotas.admit(caller, HOST)).toMatchObject({ reason: "rate_limited" });
  });
});

describe("while rate-limiter is away", () => {
  /** Lets whoever waits for the limiter come to the end of its patience. */
  async function waitLong(turn: (ms: number) => void): Promise<void> {
    for (let count = 0; count < 20; count++) {
      await untilQuiet();
      turn(250);
    }
  }

  it("nothing new is admitted", async () => {
    const { quotas, state, turn } = setUp();
    state.isAway = true;
    const admission = quotas.admit(callerOf(), HOST);
    await waitLong(turn);
    expect(await admission).toMatchObject({ ok: false, reason: "dependency_down", retryAfterMs: 1_000 });
  });

  it("what is held may be used up, and not a byte more", async () => {
    const { quotas, state, limiter, turn } = setUp();
    const { up } = await connect(quotas);
    await untilQuiet();
    const held = limiter.counted(HOST).up;
    state.isAway = true;
    let used = 0;
    let verdict = up.use(1_024);
    while (verdict === true) {
      used += 1_024;
      verdict = up.use(1_024);
    }
    expect(used).toBe(held);
    const failure = expect(verdict).rejects.toMatchObject({ name: "LimiterAwayError" });
    await waitLong(turn);
    await failure;
  });

  it("whoever waits goes on when it is back in time", async () => {
    const { quotas, state, turn } = setUp();
    state.isAway = true;
    const admission = quotas.admit(callerOf(), HOST);
    await untilQuiet();
    turn(250);
    state.isAway = false;
    await waitLong(turn);
    expect(await admission).toMatchObject({ ok: true });
  });

  it("a take whose answer was lost is asked for again, and counts once", async () => {
    const { quotas, state, limiter, turn } = setUp();
    state.losesAnswers = true;
    const admission = quotas.admit(callerOf(), HOST);
    await untilQuiet();
    turn(250);
    await untilQuiet();
    state.losesAnswers = false;
    await waitLong(turn);
    expect(await admission).toMatchObject({ ok: true });
    expect(limiter.requests.counted).toBe(1);
    await quotas.close();
    expect(limiter.counted(HOST)).toEqual({ up: 0, down: 0 });
  });
});
