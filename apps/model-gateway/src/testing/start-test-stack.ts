import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueAgentToken, type TokenAudience } from "@claws/agent-token";
import { createStackIdentities } from "@claws/certificates";
import { AgentId, CompiledPolicy, createProblem, SessionId } from "@claws/contracts";
import { close, createLogger, createMetrics, listen } from "@claws/service-kit";
import { createModelGatewayService } from "../service.ts";
import { Settings } from "../settings.ts";
import { startEgress } from "./start-egress.ts";
import { type NeighbourAnswer, startNeighbour } from "./start-neighbour.ts";
import { startProvider } from "./start-provider.ts";

export const SESSION = "session-0123456789";
export const PROVIDER_KEY = "sk-provider-key-0123456789";

export interface StackOptions {
  readonly responseActions?: Partial<CompiledPolicy["dlp"]["results"]>;
  readonly requireVerification?: boolean;
}

/** What each neighbour says; a test replaces a member for its own time. */
export interface NeighbourAnswers {
  limiter: NeighbourAnswer;
  scanner: NeighbourAnswer;
  auditor: NeighbourAnswer;
  broker: NeighbourAnswer;
}

const AGREEING: NeighbourAnswers = {
  limiter({ method, path, body }) {
    if (method === "GET" && path.startsWith("/v1/spend/")) {
      const [, , , agent, session] = path.split("/");
      const amounts = { committedMicroUsd: 7, reservedMicroUsd: 0, limitMicroUsd: 1_000 };
      return { body: { agent, session, ...amounts } };
    }
    if (body === undefined) return { status: 404, body: {} };
    if (path.endsWith("/settlement")) {
      return {
        body: { state: (body as { outcome: string }).outcome === "commit" ? "committed" : "released" },
      };
    }
    return {
      body: { outcome: "admitted", id: (body as { id: string }).id, leaseUntil: Date.now() + 60_000 },
    };
  },
  scanner: () => ({ body: { action: "allow", findings: [] } }),
  auditor: () => ({ body: { seq: 1, hash: "0".repeat(64) } }),
  broker: () => ({ body: { state: "passed", at: null, holes: [] } }),
};

export const DOWN: NeighbourAnswer = () => ({
  status: 503,
  body: createProblem("service_unavailable", { service: "test", detail: "down for a test" }),
});

const prices = { inputMicroUsdPerMillion: 3_000_000, outputMicroUsdPerMillion: 15_000_000 };

function createPolicy(
  baseUrl: string,
  untrustedUrl: string,
  { responseActions, requireVerification = false }: StackOptions,
): CompiledPolicy {
  const allow = { secret: "allow", pii: "allow", exfiltration: "allow", injection: "allow", size: "allow" };
  const models = (name: string) => [{ name, ...prices }];
  return CompiledPolicy.parse({
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
      ask: { seconds: 1, maxOpen: 1 },
      requireVerification,
    },
    limits: {
      callsPerMinute: 100,
      costPerSessionMicroUsd: 1_000_000,
      costPerDayMicroUsd: 1_000_000,
      tokensPerRequest: 1_000,
    },
    dlp: {
      arguments: allow,
      results: allow,
      "model-requests": allow,
      "model-responses": { ...allow, ...responseActions },
      "egress-requests": allow,
      "egress-responses": allow,
    },
    approvals: { expireAfterSeconds: 300, holdSeconds: 50 },
    models: [
      { dialect: "openai", baseUrl: "mock", models: models("mock-openai") },
      { dialect: "anthropic", baseUrl: "mock", models: models("mock-anthropic") },
      { dialect: "openai", baseUrl: `${baseUrl}/v1`, secret: "openai", models: models("real-openai") },
      { dialect: "anthropic", baseUrl, secret: "anthropic", models: models("real-anthropic") },
      { dialect: "openai", baseUrl, secret: "nobody-set-it", models: models("keyless-openai") },
      // The same provider as another origin, so that no open tunnel leads there yet.
      {
        dialect: "openai",
        baseUrl: baseUrl.replace("localhost", "127.0.0.1"),
        secret: "openai",
        models: models("unconnected-openai"),
      },
      { dialect: "openai", baseUrl: untrustedUrl, secret: "openai", models: models("untrusted-openai") },
    ],
  });
}

/** The gateway with stand-ins for all its neighbours, on loopback. */
export async function startTestStack(options: StackOptions = {}) {
  const directory = mkdtempSync(join(tmpdir(), "claws-model-gateway-"));
  const identityOf = await createStackIdentities();
  const foreign = await (await createStackIdentities())("front-door");
  const answers: NeighbourAnswers = { ...AGREEING };

  const limiter = await startNeighbour(await identityOf("rate-limiter"), (request) =>
    answers.limiter(request),
  );
  const scanner = await startNeighbour(await identityOf("dlp-scanner"), (request) =>
    answers.scanner(request),
  );
  const auditor = await startNeighbour(await identityOf("auditor"), (request) => answers.auditor(request));
  const broker = await startNeighbour(await identityOf("broker"), (request) => answers.broker(request));
  const egress = await startEgress(await identityOf("egress-filter"));
  const provider = await startProvider(foreign);
  const policy = createPolicy(
    `https://localhost:${provider.port}`,
    `https://localhost:${auditor.port}`,
    options,
  );

  const keys = generateKeyPairSync("ed25519");
  const own = await identityOf("model-gateway");
  const write = (name: string, content: string | Buffer) =>
    writeFileSync(join(directory, name), content, { mode: 0o400 });
  write("tls.crt", own.cert);
  write("tls.key", own.key);
  write("ca.crt", own.ca);
  write("agent-token.pub", keys.publicKey.export({ type: "spki", format: "pem" }));
  write("upstream-ca.crt", foreign.ca);
  write("policy.json", JSON.stringify(policy));
  mkdirSync(join(directory, "secrets"));
  write("secrets/openai", `${PROVIDER_KEY}\n`);
  write("secrets/anthropic", PROVIDER_KEY);

  const logger = createLogger("model-gateway");
  logger.level = "silent";
  const metrics = createMetrics("model-gateway");
  const host = "localhost";
  const service = await createModelGatewayService(
    Settings.parse({
      LISTEN_HOST: "127.0.0.1",
      LISTEN_PORT: "0",
      IDENTITY_DIR: directory,
      POLICY_FILE: join(directory, "policy.json"),
      SECRETS_DIR: join(directory, "secrets"),
      UPSTREAM_CA_FILE: join(directory, "upstream-ca.crt"),
      RATE_LIMITER_HOST: host,
      RATE_LIMITER_PORT: limiter.port,
      DLP_SCANNER_HOST: host,
      DLP_SCANNER_PORT: scanner.port,
      AUDITOR_HOST: host,
      AUDITOR_PORT: auditor.port,
      BROKER_HOST: host,
      BROKER_PORT: broker.port,
      EGRESS_HOST: host,
      EGRESS_PORT: egress.port,
    }),
    { logger, metrics },
  );
  const [listener] = service.listeners;
  if (listener === undefined) throw new Error("no listener");
  const port = await listen(listener.server, listener.port, listener.host);
  const privatePem = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();

  return {
    origin: `http://127.0.0.1:${port}`,
    answers,
    limiter,
    scanner,
    auditor,
    egress,
    provider,
    metrics,
    readiness: service.readiness,
    issueToken: (agent = "main", audience: TokenAudience = "model-gateway") =>
      issueAgentToken(privatePem, {
        agent: AgentId.parse(agent),
        session: SessionId.parse(SESSION),
        audience: [audience],
        lifetimeSeconds: 60,
      }),
    /** Everybody agrees again and nobody remembers. */
    reset() {
      Object.assign(answers, AGREEING);
      egress.refusal = undefined;
      for (const memory of [
        limiter.requests,
        scanner.requests,
        auditor.requests,
        egress.targets,
        provider.calls,
      ]) {
        memory.length = 0;
      }
    },
    async close() {
      await close(listener.server, 100);
      await service.close?.();
      await Promise.all([limiter, scanner, auditor, broker, egress, provider].map((part) => part.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export type TestStack = Awaited<ReturnType<typeof startTestStack>>;
