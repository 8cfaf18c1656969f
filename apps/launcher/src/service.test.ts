import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { verifyServerCredential } from "@claws/agent-token";
import { createStackIdentities } from "@claws/certificates";
import { LaunchableServers, type ServiceName, VerificationReport } from "@claws/contracts";
import {
  close,
  createLogger,
  createMetrics,
  createServiceClient,
  listen,
  type Service,
  type ServiceIdentity,
} from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineError } from "./engine.ts";
import { FAKE_IMAGE_ID as IMAGE_ID, FakeEngine } from "./fake-engine.ts";
import { createLauncherService } from "./service.ts";
import { Settings } from "./settings.ts";
import { FakeInspector } from "./verification/fake-inspector.ts";

const POLICY = {
  version: 1,
  profile: "filtered",
  hash: "0".repeat(64),
  agents: {},
  servers: {
    files: { image: "files:dev", args: [], mounts: [], environment: {}, memoryMb: 64 },
    web: {
      image: "web:dev",
      args: [],
      mounts: [],
      environment: {},
      memoryMb: 64,
      egress: [{ action: "allow", host: "a.example", port: 443, key: "servers.web.egress[0]" }],
    },
  },
  tools: { scope: { allow: [], block: [] }, rules: [], defaultRisk: "LOW" },
  egress: {
    mode: "allowlist",
    rules: [],
    quotas: {
      requestsPerMinute: 1,
      connections: 1,
      uploadBytesPerSession: 1,
      downloadBytesPerSession: 1,
      uploadBytesPerHost: 1,
      downloadBytesPerHost: 1,
      idleSeconds: 1,
      totalSeconds: 1,
    },
    ask: { seconds: 30, maxOpen: 1 },
    requireVerification: false,
  },
  limits: { callsPerMinute: 1, costPerSessionMicroUsd: 1, costPerDayMicroUsd: 1, tokensPerRequest: 1 },
  dlp: Object.fromEntries(
    ["arguments", "results", "model-requests", "model-responses", "egress-requests", "egress-responses"].map(
      (direction) => [
        direction,
        { secret: "allow", pii: "allow", exfiltration: "allow", injection: "allow", size: "allow" },
      ],
    ),
  ),
  approvals: { expireAfterSeconds: 300, holdSeconds: 50 },
  models: [],
};

const EGRESS_KEY = randomBytes(32);

let directory: string;
let identityOf: (service: ServiceName) => Promise<ServiceIdentity>;
let engine: FakeEngine;
const inspector = new FakeInspector();
let logged: string;
const ending: (() => Promise<void>)[] = [];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "launcher-"));
  identityOf = await createStackIdentities();
  engine = new FakeEngine();
  const { cert, key, ca } = await identityOf("launcher");
  writeFileSync(join(directory, "policy.json"), JSON.stringify(POLICY));
  const files = {
    "tls.crt": cert,
    "tls.key": key,
    "ca.crt": ca,
    "server-egress.key": EGRESS_KEY.toString("base64url"),
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content);
    chmodSync(join(directory, name), 0o400);
  }
});
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  rmSync(directory, { recursive: true });
});

async function startLauncher(
  maxServers = 16,
): Promise<{ port: number; service: Service; stop: () => Promise<void> }> {
  const settings = Settings.parse({
    IDENTITY_DIR: directory,
    POLICY_FILE: join(directory, "policy.json"),
    LISTEN_HOST: "127.0.0.1",
    LISTEN_PORT: 0,
    MAX_SERVERS: maxServers,
  });
  logged = "";
  const sink = new PassThrough().setEncoding("utf8").on("data", (line: string) => (logged += line));
  const tools = { logger: createLogger("launcher", sink), metrics: createMetrics("launcher") };
  const service = await createLauncherService(settings, tools, {
    engine,
    inspector,
    ownContainer: "0123456789ab",
  });
  const [listener] = service.listeners;
  if (listener === undefined) throw new Error("the launcher has a listener");
  const port = await listen(listener.server, listener.port, listener.host);
  const stop = async () => {
    service.drain?.();
    await close(listener.server, 5_000);
    await service.close?.();
  };
  ending.push(stop);
  return { port, service, stop };
}

interface Opened {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly stream: Duplex;
  readonly problem: { code?: string; detail?: string };
}

async function open(port: number, options: { peer?: ServiceName; path?: string } = {}): Promise<Opened> {
  const call = request({
    ...(await identityOf(options.peer ?? "broker")),
    host: "localhost",
    port,
    method: "POST",
    path: options.path ?? "/v1/servers/files/stdio",
    headers: { connection: "Upgrade", upgrade: "claws-stdio", "x-claws-agent": "researcher" },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Opened>();
  call.on("error", reject);
  call.on("upgrade", ({ statusCode = 0, headers }, stream) =>
    resolve({ status: statusCode, headers, stream, problem: {} }),
  );
  call.on("response", (response) => {
    const { statusCode: status = 0, headers, socket: stream } = response;
    text(response).then((body) => resolve({ status, headers, stream, problem: JSON.parse(body) }), reject);
  });
  call.end();
  return promise;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("a stdio stream", () => {
  it("carries bytes to and from a container of its own, and removes it when the caller leaves", async () => {
    const { port } = await startLauncher();
    const { status, headers, stream } = await open(port);
    expect(status).toBe(101);
    expect(headers).toMatchObject({ upgrade: "claws-stdio", "x-claws-image-digest": IMAGE_ID });
    expect(engine.specs[0]).toMatchObject({ Image: IMAGE_ID, Labels: { "claws.agent": "researcher" } });
    stream.write("hello");
    const [reply] = await new Promise<string[]>((resolve) =>
      stream.once("data", (data) => resolve([String(data)])),
    );
    expect(reply).toBe("HELLO");
    stream.end();
    await until(() => engine.running.size === 0);
  });

  it("delivers what the server wrote before it ended, and then ends", async () => {
    const { port } = await startLauncher();
    const { stream } = await open(port);
    const last = "last words ".repeat(50_000);
    engine.say("container-1", 1, last);
    engine.say("container-1", 2, "warning: tired\n");
    engine.get("container-1").output.end();
    expect((await text(stream)) === last).toBe(true);
    await until(() => engine.running.size === 0);
    expect(logged).toContain('"line":"warning: tired"');
  });

  it("is refused to every service but the broker", async () => {
    const { port } = await startLauncher();
    expect(await open(port, { peer: "egress-filter" })).toMatchObject({
      status: 403,
      problem: { code: "peer_not_allowed" },
    });
    expect(engine.specs).toEqual([]);
  });

  it("of a server that the policy does not have is refused", async () => {
    const { port } = await startLauncher();
    const { problem } = await open(port, { path: "/v1/servers/shell/stdio" });
    expect(problem).toMatchObject({ code: "not_found", detail: expect.stringContaining('"shell"') });
    expect(engine.specs).toEqual([]);
  });

  it.each(["image", "create", "start", "list"])(
    "is refused when the engine fails to %s, and leaves nothing behind",
    async (step) => {
      engine.failing = step;
      const { port } = await startLauncher();
      expect(await open(port)).toMatchObject({
        status: 502,
        problem: {
          code: "server_unavailable",
          detail: expect.stringContaining("the Docker engine at /var/run/docker.sock"),
        },
      });
      expect(engine.running.size).toBe(0);
      engine.failing = undefined;
      expect((await open(port)).status).toBe(101);
    },
  );

  it("is refused beyond the limit, also when all ask at once, and free again when one ends", async () => {
    const { port } = await startLauncher(2);
    const opened = await Promise.all([open(port), open(port), open(port), open(port)]);
    const refused = opened.filter(({ status }) => status === 502);
    expect(refused).toHaveLength(2);
    expect(refused[0]?.problem.detail).toContain("2 MCP servers run already (MAX_SERVERS)");
    opened.find(({ status }) => status === 101)?.stream.destroy();
    await until(() => engine.running.size === 1);
    expect((await open(port)).status).toBe(101);
  });
});

describe("a server with an egress grant", () => {
  const WEB = { path: "/v1/servers/web/stdio" };
  const network = () => engine.networks.get("network-sandbox-claws_tool-researcher-web");

  it("runs in a network with egress-filter alone and has a credential of its own, and both end with it", async () => {
    const { port } = await startLauncher();
    const { status, stream } = await open(port, WEB);
    expect(status).toBe(101);
    expect(network()?.members).toEqual(["egress-filter-1 egress-filter 10.214.0.2"]);
    const [spec] = engine.specs;
    expect(spec?.HostConfig).toMatchObject({
      NetworkMode: "sandbox-claws_tool-researcher-web",
      Dns: ["10.214.0.2"],
    });
    const proxy = new URL(spec?.Env?.find((v) => v.startsWith("HTTPS_PROXY="))?.slice(12) ?? "");
    expect(proxy.host).toBe("egress-filter:3128");
    expect(verifyServerCredential(EGRESS_KEY, proxy, Date.now())).toMatchObject({
      ok: true,
      credential: { server: "web", expiresAt: expect.closeTo(Date.now() / 1_000 + 86_400, -1) },
    });
    stream.end();
    await until(() => engine.networks.size === 0);
    expect(engine.running.size).toBe(0);
  });

  it("has another credential in each run", async () => {
    const { port } = await startLauncher();
    await open(port, WEB);
    await open(port, WEB);
    const [first, second] = engine.specs.map(({ Env }) => Env?.find((v) => v.startsWith("HTTP_PROXY=")));
    expect(first).not.toBe(second);
    expect(engine.networks.size).toBe(1);
  });

  it.each(["network", "connect", "create", "start"])(
    "is refused when the engine fails to %s, and leaves nothing behind",
    async (step) => {
      engine.failing = step;
      const { port } = await startLauncher();
      expect(await open(port, WEB)).toMatchObject({ status: 502, problem: { code: "server_unavailable" } });
      expect([engine.running.size, engine.networks.size]).toEqual([0, 0]);
      engine.failing = undefined;
      expect((await open(port, WEB)).status).toBe(101);
    },
  );

  it("is refused where there is no egress-filter", async () => {
    engine.filters = [];
    const { port } = await startLauncher();
    expect((await open(port, WEB)).problem.detail).toContain("no egress-filter");
    expect(engine.networks.size).toBe(0);
  });
});

describe("the launcher", () => {
  it("lists the servers for the broker alone", async () => {
    const { port } = await startLauncher();
    const list = async (peer: ServiceName) => {
      const client = createServiceClient({
        target: "launcher",
        host: "localhost",
        port,
        identity: await identityOf(peer),
      });
      ending.unshift(() => client.close());
      return client.call(LaunchableServers, { method: "GET", path: "/v1/servers" });
    };
    expect(await list("broker")).toEqual({
      ok: true,
      value: {
        servers: [
          { name: "files", image: "files:dev", imageDigest: IMAGE_ID },
          { name: "web", image: "web:dev", imageDigest: IMAGE_ID },
        ],
      },
    });
    expect(await list("auditor")).toMatchObject({ ok: false, problem: { code: "peer_not_allowed" } });
  });

  it("starts while the engine is down, says so, and recovers", async () => {
    engine.failing = "all";
    const { port, service } = await startLauncher();
    const client = createServiceClient({
      target: "launcher",
      host: "localhost",
      port,
      identity: await identityOf("broker"),
    });
    ending.unshift(() => client.close());
    const list = () => client.call(LaunchableServers, { method: "GET", path: "/v1/servers" });
    expect(await list()).toMatchObject({
      ok: false,
      problem: { code: "server_unavailable", detail: expect.stringContaining("does not answer") },
    });
    await expect((async () => service.readiness["engine"]?.())()).rejects.toThrow(EngineError);
    engine.failing = undefined;
    expect((await list()).ok).toBe(true);
  });

  it("has no other verbs, and says how to ask for a stream", async () => {
    const { port } = await startLauncher();
    const client = createServiceClient({
      target: "launcher",
      host: "localhost",
      port,
      identity: await identityOf("broker"),
    });
    ending.unshift(() => client.close());
    const ask = (method: "GET" | "POST", path: string) => client.call(LaunchableServers, { method, path });
    for (const path of ["/v1/containers/create", "/v1/servers", "/containers/json"]) {
      expect(await ask("POST", path)).toMatchObject({ ok: false, problem: { code: "not_found" } });
    }
    expect(await ask("POST", "/v1/servers/files/stdio")).toMatchObject({
      ok: false,
      problem: { code: "request_invalid", detail: expect.stringContaining("Upgrade: claws-stdio") },
    });
  });

  it("removes at start what an earlier one left behind, before anything else runs", async () => {
    engine.leftovers = ["old-1", "old-2"];
    const { port } = await startLauncher();
    expect(engine.leftovers).toEqual([]);
    await open(port);
    expect(engine.running.size).toBe(1);
  });

  it("tries again when a container cannot be removed", async () => {
    const { port } = await startLauncher();
    const { stream } = await open(port);
    engine.failing = "remove";
    stream.destroy();
    await until(() => engine.removals === 1);
    engine.failing = undefined;
    await until(() => engine.running.size === 0);
  });

  it("removes every container when it stops, without waiting for the callers", async () => {
    const { port, stop } = await startLauncher();
    const streams = await Promise.all([open(port), open(port), open(port)]);
    for (const { stream } of streams) stream.on("error", () => stream.destroy());
    ending.length = 0;
    await stop();
    expect(engine.running.size).toBe(0);
    expect(streams.every(({ stream }) => stream.destroyed || stream.readableEnded || stream.readable)).toBe(
      true,
    );
  });
});

describe("a verification", () => {
  const ask = async (peer: ServiceName, body: unknown) => {
    const { port } = await startLauncher();
    const client = createServiceClient({
      target: "launcher",
      host: "localhost",
      port,
      identity: await identityOf(peer),
    });
    ending.unshift(() => client.close());
    return client.call(VerificationReport, { method: "POST", path: "/v1/verifications", body });
  };

  it("is made for the broker, which says nothing but a port", async () => {
    expect(await ask("broker", { decoyPort: 45_000 })).toMatchObject({
      ok: true,
      value: { passed: false, failure: expect.stringContaining("no container of service agent") },
    });
  });

  it.each<[ServiceName, unknown, string]>([
    ["egress-filter", {}, "peer_not_allowed"],
    ["broker", { decoyPort: 0 }, "request_invalid"],
    ["broker", { decoyPort: "80; rm" }, "request_invalid"],
    ["broker", { image: "evil" }, "request_invalid"],
  ])("is refused to %s with %j", async (peer, body, code) => {
    expect(await ask(peer, body)).toMatchObject({ ok: false, problem: { code } });
  });
});
