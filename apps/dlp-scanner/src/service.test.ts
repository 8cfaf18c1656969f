import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { createStackIdentities } from "@claws/certificates";
import { CompiledPolicy, type ServiceName, ScanVerdict } from "@claws/contracts";
import {
  close,
  createLogger,
  createMetrics,
  createServiceClient,
  listen,
  type ServiceClient,
} from "@claws/service-kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDlpScannerService } from "./service.ts";
import { Settings } from "./settings.ts";

const allow = { secret: "allow", pii: "allow", exfiltration: "allow", injection: "allow", size: "allow" };
const policy = CompiledPolicy.parse({
  version: 1,
  profile: "test",
  hash: "0".repeat(64),
  agents: { main: {} },
  servers: {},
  tools: { scope: { allow: ["*"], block: [] }, rules: [], defaultRisk: "LOW" },
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
    ask: { seconds: 30, maxOpen: 5 },
    requireVerification: false,
  },
  limits: { callsPerMinute: 1, costPerSessionMicroUsd: 1, costPerDayMicroUsd: 1, tokensPerRequest: 1 },
  dlp: {
    arguments: { ...allow, secret: "block", pii: "redact", injection: "flag" },
    results: { ...allow, secret: "redact" },
    "model-requests": allow,
    "model-responses": allow,
    "egress-requests": allow,
    "egress-responses": allow,
  },
  approvals: { expireAfterSeconds: 300, holdSeconds: 50 },
  models: [],
});

const TOKEN = ["gh", "p_", "q7Zp2XvB9kLm4TnR8sWd3YfH6jGc1EaU5oQi"].join("");
const KNOWN = "correct horse battery";

describe("dlp-scanner over mutual TLS", () => {
  const directory = mkdtempSync(join(tmpdir(), "claws-dlp-scanner-"));
  const clients: ServiceClient[] = [];
  const logged: string[] = [];
  const metrics = createMetrics("dlp-scanner");
  let end: () => Promise<void>;
  let clientAs: (peer: ServiceName) => Promise<ServiceClient>;
  let scan: (direction: string, content: unknown) => ReturnType<typeof scanWith>;

  let sendRaw: (body: string) => Promise<number | undefined>;

  const scanWith = (client: ServiceClient, body: object) =>
    client.call(ScanVerdict, { method: "POST", path: "/v1/scans", body, timeoutMs: 10_000 });

  beforeAll(async () => {
    const identityOf = await createStackIdentities();
    const own = await identityOf("dlp-scanner");
    const secret = { mode: 0o400 };
    writeFileSync(join(directory, "tls.crt"), own.cert, secret);
    writeFileSync(join(directory, "tls.key"), own.key, secret);
    writeFileSync(join(directory, "ca.crt"), own.ca, secret);
    writeFileSync(join(directory, "policy.json"), JSON.stringify(policy));
    mkdirSync(join(directory, "known"));
    writeFileSync(join(directory, "known", "deploy-password"), `${KNOWN}\n`, secret);
    const sink = new Writable({
      write(chunk, _encoding, done) {
        logged.push(String(chunk));
        done();
      },
    });
    const service = createDlpScannerService(
      Settings.parse({
        LISTEN_HOST: "127.0.0.1",
        LISTEN_PORT: "0",
        IDENTITY_DIR: directory,
        POLICY_FILE: join(directory, "policy.json"),
        SECRETS_DIR: join(directory, "known"),
      }),
      { logger: createLogger("dlp-scanner", sink), metrics },
    );
    const [listener] = service.listeners;
    if (listener === undefined) throw new Error("no listener");
    const port = await listen(listener.server, listener.port, listener.host);
    clientAs = async (peer) => {
      const identity = await identityOf(peer);
      const client = createServiceClient({ target: "dlp-scanner", host: "localhost", port, identity });
      clients.push(client);
      return client;
    };
    const callingAs = await identityOf("broker");
    sendRaw = async (body) => {
      const sent = request({
        ...callingAs,
        host: "localhost",
        port,
        path: "/v1/scans",
        method: "POST",
        headers: { "content-type": "application/json" },
      }).end(body);
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    const broker = await clientAs("broker");
    scan = (direction, content) => scanWith(broker, { direction, content });
    end = () => close(listener.server, 100);
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await end();
    rmSync(directory, { recursive: true, force: true });
  });

  it("blocks by the profile's action for that direction, and names rule and path", async () => {
    expect(await scan("arguments", { header: [TOKEN] })).toMatchObject({
      ok: true,
      value: { action: "block", rule: "github-token", path: "/header/0" },
    });
    expect(await scan("results", { header: [TOKEN] })).toMatchObject({
      ok: true,
      value: { action: "redact", content: { header: ["[redacted:github-token]"] } },
    });
    expect(await scan("model-requests", { header: [TOKEN] })).toEqual({
      ok: true,
      value: { action: "allow", findings: [] },
    });
  });

  it("finds the deployment's own secrets, also encoded", async () => {
    const content = { body: Buffer.from(`my ${KNOWN} is`).toString("base64") };
    expect(await scan("arguments", content)).toMatchObject({
      value: { action: "block", rule: "known-secret" },
    });
  });

  it("refuses a member named __proto__, under which content could hide", async () => {
    const content: unknown = JSON.parse(`{"__proto__":{"x":"${TOKEN}"}}`);
    expect(await scan("arguments", content)).toMatchObject({
      ok: false,
      problem: { code: "request_invalid" },
    });
  });

  it.each(["model-gateway", "egress-filter"] as const)("answers %s", async (peer) => {
    const body = { direction: "arguments", content: "hello" };
    expect(await scanWith(await clientAs(peer), body)).toMatchObject({ value: { action: "allow" } });
  });

  it.each(["rate-limiter", "auditor", "launcher"] as const)("refuses %s", async (peer) => {
    const body = { direction: "arguments", content: "hello" };
    expect(await scanWith(await clientAs(peer), body)).toMatchObject({
      problem: { code: "peer_not_allowed" },
    });
  });

  it.each([
    ["an unknown direction", { direction: "sideways", content: "" }, "request_invalid"],
    ["no content", { direction: "arguments" }, "request_invalid"],
    ["a body over 8 MiB", { direction: "arguments", content: "a ".repeat(4_194_304) }, "body_too_large"],
  ])("refuses %s", async (_what, body, code) => {
    expect(await scanWith(await clientAs("broker"), body)).toMatchObject({ ok: false, problem: { code } });
  });

  it("refuses content that is nested too deep to be scanned, and goes on", async () => {
    const tooDeep = `${"[".repeat(20_000)}"${TOKEN}"${"]".repeat(20_000)}`;
    expect(await sendRaw(`{"direction":"arguments","content":${tooDeep}}`)).toBe(400);
    expect(await scan("arguments", "hello")).toMatchObject({ value: { action: "allow" } });
  });

  it("counts scans and findings, and logs neither content nor evidence", async () => {
    await scan("arguments", { mail: "jo@mail.example.org", [TOKEN]: { x: KNOWN } });
    const text = await metrics.metrics();
    expect(text).toMatch(/claws_dlp_scans_total\{direction="arguments",action="block",.*\} \d/);
    expect(text).toMatch(/claws_dlp_findings_total\{category="secret",.*\} \d/);
    const log = logged.join("");
    expect(log).toContain('"rule":"github-token"');
    for (const leak of [TOKEN, KNOWN, "jo@mail", "***"]) expect(log).not.toContain(leak);
  });
});
