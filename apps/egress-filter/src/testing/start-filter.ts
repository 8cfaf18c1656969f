import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { issueAgentToken } from "@claws/agent-token";
import { createInspectionAuthority, createStackIdentities } from "@claws/certificates";
import { AgentId, SessionId } from "@claws/contracts";
import { close, createLogger, createMetrics, listen, type ServiceIdentity } from "@claws/service-kit";
import { classifyAddress } from "../address-class.ts";
import { dial } from "../dial.ts";
import type { Outside } from "../judge.ts";
import { createEgressFilterService } from "../service.ts";
import { Settings } from "../settings.ts";
import { type PolicyParts, policyWith } from "./policy-with.ts";
import { useCredentials } from "./raw-client.ts";
import { startNeighbours } from "./start-neighbours.ts";

/** Stands for the internet and for a neighbour's network: loopback has room for both. */
export const PUBLIC_ADDRESS = "127.0.0.2";
export const PRIVATE_ADDRESS = "127.0.0.3";
/** The session in the credentials that the test client sends. */
export const SESSION = SessionId.parse("session-0123456789");

export interface FilterParts extends PolicyParts {
  /** What the name server answers; a name that is not here has no address. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly settings?: Readonly<Record<string, string>>;
  /** The world in place of loopback: for tests that bring their own. */
  readonly outside?: Outside;
  /** An authority that destinations may have, PEM, and secrets by their names. */
  readonly extraAuthority?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  /** What broker says of the proof when the filter starts. */
  readonly verification?: "pending" | "failed" | "passed";
}

/** The whole service on loopback, with a name server of the test's own and its neighbours beside it. */
export async function startFilter(parts: FilterParts) {
  const {
    names = {},
    settings = {},
    verification = "passed",
    outside,
    extraAuthority,
    secrets = {},
    ...policy
  } = parts;
  const directory = mkdtempSync(join(tmpdir(), "egress-filter-"));
  const identityOf = await createStackIdentities();
  const inspectionAuthority = await createInspectionAuthority();
  const serverKey = randomBytes(32);
  const tokenKeys = generateKeyPairSync("ed25519");
  const privateKey = tokenKeys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  writeSecrets(directory, await identityOf("egress-filter"), {
    "agent-token.pub": tokenKeys.publicKey.export({ type: "spki", format: "pem" }).toString(),
    "server-egress.key": serverKey.toString("base64url"),
    "inspection-ca.json": JSON.stringify(inspectionAuthority),
  });
  mkdirSync(join(directory, "state"));
  mkdirSync(join(directory, "secrets"));
  for (const [name, value] of Object.entries(secrets))
    writeFileSync(join(directory, "secrets", name), value, { mode: 0o400 });
  if (extraAuthority !== undefined) writeFileSync(join(directory, "extra-ca.crt"), extraAuthority);
  const policyFile = join(directory, "policy.json");
  writeFileSync(policyFile, JSON.stringify(policyWith(policy)));
  // One listener is all of the neighbours; in its certificate it is the one that is asked at the moment.
  const neighbours = await startNeighbours(await identityOf("auditor"));
  neighbours.verification = verification;
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  const logger = createLogger("egress-filter", destination);
  const metrics = createMetrics("egress-filter");
  const queries: string[] = [];
  const neighbour = { host: "localhost", port: String(neighbours.port) };
  const service = await createEgressFilterService(
    Settings.parse({
      IDENTITY_DIR: directory,
      POLICY_FILE: policyFile,
      OVERLAY_FILE: join(directory, "overlay.json"),
      STATE_DIR: join(directory, "state"),
      SECRETS_DIR: join(directory, "secrets"),
      LISTEN_HOST: "127.0.0.1",
      LISTEN_PORT: 0,
      SERVICES_LISTEN_HOST: "127.0.0.1",
      SERVICES_LISTEN_PORT: 0,
      DNS_LISTEN_HOST: "127.0.0.1",
      DNS_LISTEN_PORT: 0,
      AUDITOR_HOST: neighbour.host,
      AUDITOR_PORT: neighbour.port,
      RATE_LIMITER_HOST: neighbour.host,
      RATE_LIMITER_PORT: neighbour.port,
      APPROVAL_GATEWAY_HOST: neighbour.host,
      APPROVAL_GATEWAY_PORT: neighbour.port,
      BROKER_HOST: neighbour.host,
      BROKER_PORT: neighbour.port,
      ...(extraAuthority === undefined ? {} : { EXTRA_CA_FILE: join(directory, "extra-ca.crt") }),
      ...settings,
    }),
    { logger, metrics },
    {
      lines: logger,
      outside: outside ?? {
        async resolve(host) {
          queries.push(host);
          const addresses = names[host];
          return addresses
            ? { ok: true, addresses }
            : { ok: false, detail: "the name has no address (ENOTFOUND)" };
        },
        classify(address) {
          if (address === PUBLIC_ADDRESS) return { kind: "public", isGrantable: false };
          if (address === PRIVATE_ADDRESS) return { kind: "private", isGrantable: true };
          return classifyAddress(address);
        },
        dial,
      },
    },
  );
  const [port = 0, servicesPort = 0] = await Promise.all(
    service.listeners.map(({ server, host, port: wanted }) => listen(server, wanted, host)),
  );
  const agent = AgentId.parse("main");
  const token = await issueAgentToken(privateKey, {
    agent,
    session: SESSION,
    audience: ["egress-filter"],
    lifetimeSeconds: 600,
  });
  const credentials = `Basic ${Buffer.from(`main:${token}`).toString("base64")}`;
  useCredentials(port, credentials);
  return {
    port,
    servicesPort,
    service,
    neighbours,
    queries,
    metrics,
    identityOf,
    credentials,
    serverKey,
    inspectionAuthority,
    directory,
    /** What the auditor was given of decisions, once it has `count` of them. */
    async decisions(count: number) {
      const decided = () => neighbours.events.filter(({ event }) => event === "egress.decided");
      for (let tries = 0; decided().length < count; tries++) {
        if (tries > 100) throw new Error(`${decided().length} of ${count} decisions were recorded`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return decided();
    },
    /** Writes another policy over the one in force, as the policy container does. */
    changePolicy(parts: PolicyParts) {
      writeFileSync(`${policyFile}.new`, JSON.stringify(policyWith(parts)));
      renameSync(`${policyFile}.new`, policyFile);
    },
    policyFile,
    overlayFile: join(directory, "overlay.json"),
    /** The log lines with this message, as objects. */
    logged: (message: string) =>
      lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message),
    stop: async () => {
      service.drain?.();
      await Promise.all(service.listeners.map(({ server }) => close(server, 0)));
      await service.close?.();
      await neighbours.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

export type RunningFilter = Awaited<ReturnType<typeof startFilter>>;

function writeSecrets(
  directory: string,
  { cert, key, ca }: ServiceIdentity,
  more: Readonly<Record<string, string>>,
): void {
  for (const [name, content] of Object.entries({ "tls.crt": cert, "tls.key": key, "ca.crt": ca, ...more })) {
    writeFileSync(join(directory, name), content);
    chmodSync(join(directory, name), 0o400);
  }
}
