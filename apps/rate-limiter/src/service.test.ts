import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { createStackIdentities } from "@claws/certificates";
import {
  Admission,
  CompiledPolicy,
  EgressGrant,
  type ServiceName,
  SettlementResult,
  SpendReport,
} from "@claws/contracts";
import { startRedis, type TestRedis } from "@claws/redis-kit/testing";
import {
  close,
  createLogger,
  createMetrics,
  createServiceClient,
  listen,
  readReadiness,
  type Service,
  type ServiceClient,
} from "@claws/service-kit";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { createRateLimiterService } from "./service.ts";
import { Settings } from "./settings.ts";

const actions = { secret: "block", pii: "redact", exfiltration: "block", injection: "flag", size: "block" };
const policy = CompiledPolicy.parse({
  version: 1,
  profile: "test",
  hash: "0".repeat(64),
  agents: { main: {} },
  servers: {},
  tools: {
    scope: { allow: ["*"], block: [] },
    rules: [{ match: "fs__read", callsPerMinute: 2 }],
    defaultRisk: "LOW",
  },
  egress: {
    mode: "allowlist",
    rules: [],
    quotas: {
      requestsPerMinute: 3,
      connections: 10,
      uploadBytesPerSession: 3_000,
      downloadBytesPerSession: 30_000,
      uploadBytesPerHost: 2_000,
      downloadBytesPerHost: 20_000,
      idleSeconds: 60,
      totalSeconds: 60,
    },
    ask: { seconds: 30, maxOpen: 5 },
    requireVerification: false,
  },
  limits: {
    callsPerMinute: 100,
    costPerSessionMicroUsd: 1_000,
    costPerDayMicroUsd: 1_000_000,
    tokensPerRequest: 1_000,
  },
  dlp: {
    arguments: actions,
    results: actions,
    "model-requests": actions,
    "model-responses": actions,
    "egress-requests": actions,
    "egress-responses": actions,
  },
  approvals: { expireAfterSeconds: 300, holdSeconds: 50 },
  models: [],
});

/**
 * The ACL that bootstrap writes for this service. `default` is off but keeps its permissions: Redis
 * replays the transactions of its append-only file as `default`, and silently drops what that user may
 * not do (redis/redis#14541).
 */
const ACL_DEFAULT = "user default off resetpass ~* &* +@all";
const ACL_USER =
  "user rate-limiter on >secret resetchannels ~{limits}:* +@read +@write +@transaction +@scripting +@connection -@dangerous -@blocking +time +info";

describe("rate-limiter over mutual TLS and a real Redis", () => {
  const directory = mkdtempSync(join(tmpdir(), "claws-rate-limiter-"));
  const clients: ServiceClient[] = [];
  let redis: TestRedis;
  let service: Service;
  let clientAs: (peer: ServiceName) => Promise<ServiceClient>;
  let broker: ServiceClient;
  let filter: ServiceClient;
  const logged: string[] = [];

  const untilReady = () =>
    vi.waitFor(async () => expect((await readReadiness(service.readiness)).ready).toBe(true), {
      timeout: 15_000,
    });

  beforeAll(async () => {
    redis = await startRedis({ users: [ACL_DEFAULT, ACL_USER] });
    const identityOf = await createStackIdentities();
    const own = await identityOf("rate-limiter");
    const secret = { mode: 0o400 };
    writeFileSync(join(directory, "tls.crt"), own.cert, secret);
    writeFileSync(join(directory, "tls.key"), own.key, secret);
    writeFileSync(join(directory, "ca.crt"), own.ca, secret);
    writeFileSync(join(directory, "redis.password"), "secret", secret);
    writeFileSync(join(directory, "policy.json"), JSON.stringify(policy));
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged.push(chunk.toString("utf8"));
        done();
      },
    });
    const logger = createLogger("rate-limiter", destination);
    service = createRateLimiterService(
      Settings.parse({
        LISTEN_HOST: "127.0.0.1",
        LISTEN_PORT: "0",
        REDIS_HOST: redis.host,
        REDIS_PORT: String(redis.port),
        IDENTITY_DIR: directory,
        POLICY_FILE: join(directory, "policy.json"),
      }),
      { logger, metrics: createMetrics("rate-limiter") },
    );
    const [listener] = service.listeners;
    if (listener === undefined) throw new Error("no listener");
    const port = await listen(listener.server, listener.port, listener.host);
    clientAs = async (peer) => {
      const client = createServiceClient({
        target: "rate-limiter",
        host: "localhost",
        port,
        identity: await identityOf(peer),
      });
      clients.push(client);
      return client;
    };
    broker = await clientAs("broker");
    filter = await clientAs("egress-filter");
    await untilReady();
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    for (const { server } of service.listeners) await close(server, 100);
    await service.close?.();
    await redis.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const requestFor = (session: string, change: object = {}) => ({
    id: randomUUID(),
    agent: "main",
    session,
    kind: "tool",
    subject: "fs__write",
    estimateMicroUsd: 100,
    leaseMs: 60_000,
    ...change,
  });
  const admit = (body: object, client = broker) =>
    client.call(Admission, { method: "POST", path: "/v1/admissions", body });
  const spendOf = (session: string) =>
    broker.call(SpendReport, { method: "GET", path: `/v1/spend/main/${session}` });

  it("an admitted call can be settled, and the session's spend shows it", async () => {
    const session = randomUUID();
    const request = requestFor(session);
    expect(await admit(request)).toMatchObject({ ok: true, value: { outcome: "admitted", id: request.id } });
    expect(await spendOf(session)).toMatchObject({ value: { reservedMicroUsd: 100, limitMicroUsd: 1_000 } });
    const settled = await broker.call(SettlementResult, {
      method: "POST",
      path: `/v1/admissions/${request.id}/settlement`,
      body: { outcome: "commit", actualMicroUsd: 60 },
    });
    expect(settled).toEqual({ ok: true, value: { state: "committed" } });
    expect(await spendOf(session)).toMatchObject({ value: { committedMicroUsd: 60, reservedMicroUsd: 0 } });
  });

  it("a refusal is an answer, not an error", async () => {
    const session = randomUUID();
    const read = () => admit(requestFor(session, { subject: "fs__read", estimateMicroUsd: 0 }));
    await read();
    await read();
    expect(await read()).toMatchObject({
      ok: true,
      value: {
        outcome: "refused",
        code: "rate_limited",
        scope: "tool",
        key: "tools.rules[0].callsPerMinute",
      },
    });
  });

  it("a model's calls count too", async () => {
    const gateway = await clientAs("model-gateway");
    const request = requestFor(randomUUID(), { kind: "model", subject: "small-model" });
    expect(await admit(request, gateway)).toMatchObject({ ok: true, value: { outcome: "admitted" } });
  });

  it.each(["approval-gateway", "front-door", "egress-filter"] as const)("%s may not ask", async (peer) => {
    expect(await admit(requestFor(randomUUID()), await clientAs(peer))).toMatchObject({
      ok: false,
      problem: { code: "peer_not_allowed" },
    });
  });

  it.each([
    ["a fraction of a micro-dollar", { estimateMicroUsd: 0.5 }],
    ["negative money", { estimateMicroUsd: -1 }],
    ["money beyond exact integers", { estimateMicroUsd: 2 ** 53 }],
    ["a field that nobody knows", { budget: 1 }],
    ["an id that is no UUID", { id: "1" }],
    ["a lease of a day", { leaseMs: 86_400_000 }],
  ])("%s is refused", async (_name, change) => {
    expect(await admit(requestFor(randomUUID(), change))).toMatchObject({
      ok: false,
      problem: { code: "request_invalid", service: "rate-limiter" },
    });
  });

  it("an id that belongs to another admission is refused", async () => {
    const request = requestFor(randomUUID());
    await admit(request);
    expect(await admit({ ...request, subject: "fs__other" })).toMatchObject({
      ok: false,
      problem: { code: "request_invalid" },
    });
  });

  it("settling what does not exist is said to be so", async () => {
    const path = `/v1/admissions/${randomUUID()}/settlement`;
    expect(
      await broker.call(SettlementResult, { method: "POST", path, body: { outcome: "release" } }),
    ).toMatchObject({ ok: false, problem: { code: "not_found" } });
  });

  const takeFor = (session: string, change: object = {}) => ({
    id: randomUUID(),
    caller: { kind: "agent", agent: "main", session },
    host: "example.org",
    requests: 0,
    upBytes: 0,
    downBytes: 0,
    ...change,
  });
  const take = (body: object, client = filter) =>
    client.call(EgressGrant, { method: "POST", path: "/v1/egress/take", body });

  it("egress is taken and given back by egress-filter", async () => {
    const session = randomUUID();
    const { id: _id, requests: _requests, ...taken } = takeFor(session, { upBytes: 1_500 });
    expect(await take({ ...taken, id: randomUUID(), requests: 0 })).toEqual({
      ok: true,
      value: { requests: 0, upBytes: 1_500, downBytes: 0, refused: [] },
    });
    const back = { method: "POST", path: "/v1/egress/return" } as const;
    const returned = { ...taken, id: randomUUID() };
    expect(await filter.call(z.strictObject({}), { ...back, body: returned })).toEqual({
      ok: true,
      value: {},
    });
    expect(await take(takeFor(session, { upBytes: 2_500 }))).toMatchObject({
      value: {
        upBytes: 2_000,
        refused: [
          { what: "upBytes", key: "egress.quotas.uploadMbPerHost", limit: 2_000, retryAfterMs: null },
        ],
      },
    });
  });

  it.each(["take", "return"])("an id that belongs to another %s is refused", async (what) => {
    const session = randomUUID();
    const { requests, ...body } = takeFor(session);
    const post = (body: object) =>
      filter.call(z.unknown(), { method: "POST", path: `/v1/egress/${what}`, body });
    const asked = what === "take" ? { ...body, requests } : body;
    expect(await post(asked)).toMatchObject({ ok: true });
    expect(await post({ ...asked, upBytes: 1 })).toMatchObject({
      ok: false,
      problem: { code: "request_invalid" },
    });
  });

  it.each(["broker", "model-gateway", "front-door", "approval-gateway"] as const)(
    "%s may not take what egress-filter hands out",
    async (peer) => {
      const refusal = { ok: false, problem: { code: "peer_not_allowed" } };
      const client = await clientAs(peer);
      expect(await take(takeFor(randomUUID()), client)).toMatchObject(refusal);
      expect(await client.call(z.unknown(), { method: "POST", path: "/v1/egress/return" })).toMatchObject(
        refusal,
      );
    },
  );

  it.each([
    ["half a byte", { upBytes: 0.5 }],
    ["less than nothing", { downBytes: -1 }],
    ["bytes beyond exact integers", { upBytes: 2 ** 53 }],
    ["more requests than one take may ask for", { requests: 1_001 }],
    ["a limit of its own", { limit: 1_000_000 }],
    ["a caller that is a service", { caller: { kind: "service", service: "broker" } }],
  ])("%s is not taken", async (_name, change) => {
    expect(await take(takeFor(randomUUID(), change))).toMatchObject({
      ok: false,
      problem: { code: "request_invalid" },
    });
  });

  it("changed quotas and limits hold without a restart; a policy that is none changes nothing", async () => {
    const file = join(directory, "policy.json");
    const limitSeen = async () => {
      const answer = await take(takeFor(randomUUID(), { upBytes: 1_000_000 }));
      return answer.ok ? answer.value.upBytes : undefined;
    };
    const quotas = { ...policy.egress.quotas, uploadBytesPerHost: 777 };
    const limits = { ...policy.limits, costPerSessionMicroUsd: 555 };
    writeFileSync(file, JSON.stringify({ ...policy, limits, egress: { ...policy.egress, quotas } }));
    await vi.waitFor(async () => expect(await limitSeen()).toBe(777), { timeout: 10_000, interval: 100 });
    expect(await spendOf(randomUUID())).toMatchObject({ value: { limitMicroUsd: 555 } });

    writeFileSync(file, "{");
    await vi.waitFor(() => expect(logged.join("")).toContain("the last good one stays"), { timeout: 10_000 });
    expect(await limitSeen()).toBe(777);

    writeFileSync(file, JSON.stringify(policy));
    await vi.waitFor(async () => expect(await limitSeen()).toBe(2_000), { timeout: 10_000, interval: 100 });
  });

  it("without Redis everything is refused; when it returns, the counts are still there", async () => {
    const session = randomUUID();
    expect(await admit(requestFor(session, { estimateMicroUsd: 700 }))).toMatchObject({
      value: { outcome: "admitted" },
    });
    await redis.kill();
    const unavailable = { ok: false, problem: { code: "service_unavailable", service: "redis" } };
    expect(await admit(requestFor(session))).toMatchObject(unavailable);
    expect(await take(takeFor(session, { upBytes: 1 }))).toMatchObject(unavailable);
    expect(await readReadiness(service.readiness)).toEqual({ ready: false, missing: ["redis"] });
    await redis.start();
    await untilReady();
    expect(await spendOf(session)).toMatchObject({ value: { reservedMicroUsd: 700 } });
    expect(await admit(requestFor(session, { estimateMicroUsd: 301 }))).toMatchObject({
      value: { outcome: "refused", scope: "session", used: 700 },
    });
  });
});
