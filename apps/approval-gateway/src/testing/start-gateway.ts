import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStackIdentities } from "@claws/certificates";
import type { ServiceName } from "@claws/contracts";
import { startRedis, type TestRedis } from "@claws/redis-kit/testing";
import {
  close,
  createLogger,
  createMetrics,
  listen,
  readReadiness,
  type Service,
  type ServiceIdentity,
} from "@claws/service-kit";
import { Redis } from "ioredis";
import { createApprovalGatewayService } from "../service.ts";
import { Settings } from "../settings.ts";
import { startAuditor, type TestAuditor } from "./start-auditor.ts";
import { TEST_POLICY } from "./test-call.ts";

export interface TestGateway {
  readonly redis: TestRedis;
  readonly auditor: TestAuditor;
  /** A connection that may write whatever it likes: the attacker beside the gateway. */
  readonly storeWriter: Redis;
  readonly receiptPublicKey: KeyObject;
  readonly consoleDirectory: string;
  readonly overlayFile: string;
  identityOf(service: ServiceName): Promise<ServiceIdentity>;
  brokerPort(): number;
  operatorPort(): number;
  untilReady(): Promise<void>;
  /** What a stopping service does first. */
  drain(): void;
  restart(settings?: Record<string, string>): Promise<void>;
  close(): Promise<void>;
}

/** The ACL that bootstrap writes, and a second user for what an attacker inside Redis could do. */
const USERS = [
  "user default off resetpass ~* &* +@all",
  "user approval-gateway on >secret resetchannels ~{approvals}:* +@read +@write +@transaction +@scripting +@connection -@dangerous -@blocking +time +info",
  "user writer on >writer ~* +@all",
];

/** The whole service on loopback, with a real Redis, an auditor and certificates of its own. */
export async function startGateway(): Promise<TestGateway> {
  const directory = mkdtempSync(join(tmpdir(), "claws-approvals-"));
  const consoleDirectory = mkdtempSync(join(tmpdir(), "claws-console-"));
  const overlayFile = join(directory, "overlay", "egress.json");
  const identityOf = await createStackIdentities();
  const own = await identityOf("approval-gateway");
  const receiptKey = generateKeyPairSync("ed25519").privateKey;
  const files: Record<string, string | Buffer> = {
    "tls.crt": own.cert,
    "tls.key": own.key,
    "ca.crt": own.ca,
    "redis.password": "secret",
    "receipt.key": receiptKey.export({ type: "pkcs8", format: "pem" }),
    "policy.json": JSON.stringify(TEST_POLICY),
  };
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, name), content, { mode: 0o400 });
  writeFileSync(join(consoleDirectory, "index.html"), "<!doctype html><title>console</title>");

  const redis = await startRedis({ users: USERS });
  const auditor = await startAuditor(await identityOf("auditor"));
  const storeWriter = new Redis({
    host: redis.host,
    port: redis.port,
    username: "writer",
    password: "writer",
    retryStrategy: () => 50,
  });
  storeWriter.on("error", () => undefined);

  const logger = createLogger("approval-gateway");
  logger.level = "silent";
  let service: Service | undefined;
  let ports: readonly number[] = [];

  const start = async (settings: Record<string, string>) => {
    service = await createApprovalGatewayService(
      Settings.parse({
        LISTEN_HOST: "127.0.0.1",
        LISTEN_PORT: "0",
        OPERATOR_LISTEN_HOST: "127.0.0.1",
        OPERATOR_LISTEN_PORT: "0",
        REDIS_HOST: redis.host,
        REDIS_PORT: String(redis.port),
        AUDITOR_HOST: "localhost",
        AUDITOR_PORT: String(auditor.port),
        IDENTITY_DIR: directory,
        POLICY_FILE: join(directory, "policy.json"),
        CONSOLE_DIR: consoleDirectory,
        OVERLAY_FILE: overlayFile,
        ...settings,
      }),
      { logger, metrics: createMetrics("approval-gateway") },
    );
    ports = await Promise.all(service.listeners.map(({ server, port, host }) => listen(server, port, host)));
    await untilReady();
  };
  const stop = async () => {
    const running = service;
    service = undefined;
    if (running === undefined) return;
    running.drain?.();
    await Promise.all(running.listeners.map(({ server }) => close(server, 50)));
    await running.close?.();
  };
  const untilReady = async () => {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const report = await readReadiness(service?.readiness ?? {});
      if (report.ready) return;
      if (Date.now() > deadline) throw new Error(`not ready: ${report.missing.join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await start({});

  return {
    redis,
    auditor,
    storeWriter,
    receiptPublicKey: createPublicKey(receiptKey),
    consoleDirectory,
    overlayFile,
    identityOf,
    brokerPort: () => ports[0] ?? 0,
    operatorPort: () => ports[1] ?? 0,
    untilReady,
    drain: () => service?.drain?.(),
    async restart(settings = {}) {
      await stop();
      await start(settings);
    },
    async close() {
      await stop();
      storeWriter.disconnect();
      await auditor.close();
      await redis.close();
      rmSync(directory, { recursive: true, force: true });
      rmSync(consoleDirectory, { recursive: true, force: true });
    },
  };
}
