import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueAgentToken, type TokenToIssue } from "@claws/agent-token";
import { createStackIdentities } from "@claws/certificates";
import { close, createLogger, createMetrics, listen, readReadiness } from "@claws/service-kit";
import { createBroker } from "../service.ts";
import { Settings } from "../settings.ts";
import { startNeighbours } from "./start-neighbours.ts";
import { MAIN, TEST_POLICY } from "./test-policy.ts";

const pem = (key: KeyObject, type: "pkcs8" | "spki") =>
  (type === "pkcs8" ? key.export({ type, format: "pem" }) : key.export({ type, format: "pem" })).toString();

/** The whole service on loopback, over neighbours with certificates of the same stack. */
export async function startBroker() {
  const directory = mkdtempSync(join(tmpdir(), "claws-broker-"));
  const identityOf = await createStackIdentities();
  const { cert, key, ca } = await identityOf("broker");
  const tokens = generateKeyPairSync("ed25519");
  const receipts = generateKeyPairSync("ed25519");
  const files = {
    "tls.crt": cert,
    "tls.key": key,
    "ca.crt": ca,
    "agent-token.pub": pem(tokens.publicKey, "spki"),
    "receipt.pub": pem(receipts.publicKey, "spki"),
    "policy.json": JSON.stringify(TEST_POLICY),
  };
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, name), content, { mode: 0o400 });
  const neighbours = await startNeighbours(await identityOf("launcher"));
  const at = (name: string) => ({ [`${name}_HOST`]: "localhost", [`${name}_PORT`]: neighbours.port });
  const logger = createLogger("broker");
  logger.level = "silent";
  const service = await createBroker(
    Settings.parse({
      LISTEN_HOST: "127.0.0.1",
      LISTEN_PORT: 0,
      CONTROL_LISTEN_HOST: "127.0.0.1",
      CONTROL_LISTEN_PORT: 0,
      IDENTITY_DIR: directory,
      POLICY_FILE: join(directory, "policy.json"),
      STATE_DIR: join(directory, "state"),
      ...at("APPROVAL_GATEWAY"),
      ...at("RATE_LIMITER"),
      ...at("DLP_SCANNER"),
      ...at("AUDITOR"),
      ...at("LAUNCHER"),
    }),
    { logger, metrics: createMetrics("broker") },
  );
  const [port = 0, controlPort = 0] = await Promise.all(
    service.listeners.map((listener) => listen(listener.server, listener.port, listener.host)),
  );
  const issueToken = (change: Partial<TokenToIssue> = {}, privateKey = tokens.privateKey) =>
    issueAgentToken(pem(privateKey, "pkcs8"), {
      ...MAIN,
      audience: ["broker"],
      lifetimeSeconds: 60,
      ...change,
    });
  while (!neighbours.records().some(({ event }) => event === "stack.verified")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return {
    controlPort,
    directory,
    identityOf,
    url: `http://127.0.0.1:${port}`,
    neighbours,
    token: await issueToken(),
    issueToken,
    readiness: () => readReadiness(service.readiness),
    async close() {
      await Promise.all(service.listeners.map(({ server }) => close(server, 50)));
      await service.close?.();
      await neighbours.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export type RunningBroker = Awaited<ReturnType<typeof startBroker>>;
