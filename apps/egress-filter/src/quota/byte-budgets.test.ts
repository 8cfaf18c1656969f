import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { EgressCaller, type EgressReason } from "@claws/contracts";
import { createLogger, listen } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { relay } from "../relay.ts";
import type { QuotaAdmission, Quotas } from "./connection-quota.ts";
import { createLeasedQuotas } from "./leased-quotas.ts";
import { createMemoryLimiter, type MemoryLimiter } from "./testing/memory-limiter.ts";
import { startLimiter } from "./testing/start-limiter.ts";

const logger = createLogger("test");
logger.level = "silent";
const KIB = 1_024;
const BUDGET = 5_000_000;
const HOST = "example.org";

/** The tunnels of one session over real sockets, with a limiter behind real mutual TLS. */
describe("byte budgets in the middle of a tunnel", () => {
  let limiter: MemoryLimiter;
  let running: Awaited<ReturnType<typeof startLimiter>>;
  let quotas: Quotas;
  let caller: EgressCaller;
  const servers: Server[] = [];
  const sockets: Socket[] = [];

  beforeEach(async () => {
    limiter = createMemoryLimiter({
      requests: 1_000,
      upPerSession: 10 * BUDGET,
      upPerHost: BUDGET,
      downPerSession: 10 * BUDGET,
      downPerHost: BUDGET,
    });
    running = await startLimiter(limiter);
    quotas = createLeasedQuotas({ client: running.client, logger });
    caller = EgressCaller.parse({ kind: "agent", agent: "main", session: randomUUID() });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
    await quotas.close();
    await running.stop();
  });

  /** Two ends of one connection. */
  async function socketPair(): Promise<readonly [Socket, Socket]> {
    const server = createServer({ allowHalfOpen: true });
    servers.push(server);
    const port = await listen(server, 0, "127.0.0.1");
    const near = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const [far] = (await once(server, "connection")) as [Socket];
    for (const socket of [near, far]) socket.on("error", () => socket.destroy());
    sockets.push(near, far);
    return [near, far];
  }

  async function openTunnel(admission: Extract<QuotaAdmission, { ok: true }>) {
    const [agent, client] = await socketPair();
    const [upstream, origin] = await socketPair();
    const { promise: ended, resolve } = Promise.withResolvers<EgressReason | undefined>();
    const limits = { idleMs: 30_000, totalMs: 60_000 };
    relay({
      client,
      upstream,
      quota: admission.quota,
      limits,
      onEnd(reason) {
        admission.quota.close();
        resolve(reason);
      },
    });
    const arrived = { atOrigin: 0, atAgent: 0 };
    origin.on("data", (chunk: Buffer) => (arrived.atOrigin += chunk.length));
    agent.on("data", (chunk: Buffer) => (arrived.atAgent += chunk.length));
    return { agent, origin, ended, arrived, upstream };
  }

  async function admitted(): Promise<Extract<QuotaAdmission, { ok: true }>> {
    const admission = await quotas.admit(caller, HOST);
    if (!admission.ok) throw new Error(admission.detail);
    return admission;
  }

  it("RES-05: twice the budget upwards in one tunnel is killed at the limit, not a byte over it", async () => {
    const { agent, ended, arrived, upstream } = await openTunnel(await admitted());
    agent.write(Buffer.alloc(2 * BUDGET, "x"));
    expect(await ended).toBe("budget_exceeded");
    expect(upstream.bytesWritten).toBeLessThanOrEqual(BUDGET);
    expect(upstream.bytesWritten).toBeGreaterThanOrEqual(BUDGET - 64 * KIB);
    expect(arrived.atOrigin).toBeLessThanOrEqual(BUDGET);
    expect(await quotas.admit(caller, "other.org")).toMatchObject({ ok: true });
  });

  it("RES-06: a tenth of the budget over each of 20 tunnels ends at the 11th", async () => {
    const outcomes: string[] = [];
    for (let count = 0; count < 20; count++) {
      const admission = await quotas.admit(caller, HOST);
      if (!admission.ok) {
        outcomes.push(admission.reason);
        continue;
      }
      const { agent, origin, ended, arrived } = await openTunnel(admission);
      origin.once("end", () => origin.end());
      agent.end(Buffer.alloc(BUDGET / 10, "x"));
      outcomes.push((await ended) ?? String(arrived.atOrigin));
    }
    expect(outcomes).toEqual([...Array(10).fill(String(BUDGET / 10)), ...Array(10).fill("budget_exceeded")]);
    expect(limiter.counted(HOST).up).toBe(BUDGET);
  });

  it("RES-16: an endless answer is cut at the limit, not a byte over it", async () => {
    const { origin, ended, arrived } = await openTunnel(await admitted());
    const chunk = Buffer.alloc(256 * KIB, "x");
    const pour = () => {
      while (!origin.destroyed && origin.write(chunk));
    };
    origin.on("drain", pour);
    pour();
    expect(await ended).toBe("budget_exceeded");
    expect(arrived.atAgent).toBeLessThanOrEqual(BUDGET);
    expect(arrived.atAgent).toBeGreaterThanOrEqual(BUDGET - 64 * KIB);
  });

  it("a tunnel goes on for what is held while rate-limiter is away, and then ends", async () => {
    const { agent, ended, upstream } = await openTunnel(await admitted());
    const held = limiter.counted(HOST).up;
    running.state.isAway = true;
    agent.write(Buffer.alloc(BUDGET, "x"));
    expect(await ended).toBe("dependency_down");
    expect(upstream.bytesWritten).toBeLessThanOrEqual(held);
    expect(upstream.bytesWritten).toBeGreaterThan(held - 64 * KIB);
  });
});
