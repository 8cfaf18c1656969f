import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readServerEgressKey } from "@claws/agent-token";
import { type AuditSpool, createAuditSpool, createShip } from "@claws/audit-log";
import {
  ConfigError,
  createServiceClient,
  createVerificationGate,
  type Logger,
  readIdentity,
  readSecretFile,
  type ReadinessCheck,
  type ServiceClient,
  type ServiceIdentity,
} from "@claws/service-kit";
import { type AgentsSide, createAgentsSide, readLimits } from "./agents-side.ts";
import type { ConnectionCount } from "./connections.ts";
import type { EgressMetrics } from "./egress-metrics.ts";
import { createEgressRecords, type EgressRecords } from "./egress-records.ts";
import { createIdentify } from "./identify.ts";
import { createProxyAuthentication } from "./identity/proxy-authentication.ts";
import { createInspector } from "./inspect/inspect-tunnel.ts";
import { readInspectionAuthority } from "./inspect/read-inspection-authority.ts";
import type { Outside } from "./judge.ts";
import { createLivePolicy, type LivePolicy } from "./live-policy.ts";
import { createQuestions } from "./questions/questions.ts";
import { createLeasedQuotas } from "./quota/leased-quotas.ts";
import type { Settings } from "./settings.ts";

/** What each thread has for itself: its own policy, spool, neighbours and open connections. */
export interface Thread {
  readonly identity: ServiceIdentity;
  readonly policy: LivePolicy;
  readonly spool: AuditSpool;
  readonly records: EgressRecords;
  readonly agents: AgentsSide;
  readonly readiness: Readonly<Record<string, ReadinessCheck>>;
  close(): Promise<void>;
}

export interface ThreadParts {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly metrics: EgressMetrics;
  readonly outside: Outside;
  /** Which of the threads this is, from 0. */
  readonly number: number;
  /** Where the lines about decisions go. */
  readonly lines: Logger;
  /** Shared by all of them. */
  readonly count: ConnectionCount;
}

export async function createThread(parts: ThreadParts): Promise<Thread> {
  const { settings, logger, metrics, outside, number, count, lines } = parts;
  const identity = readIdentity(settings.IDENTITY_DIR);
  const secret = (name: string) => join(settings.IDENTITY_DIR, name);
  const client = (target: string, host: string, port: number): ServiceClient =>
    createServiceClient({ target, host, port, identity });
  const neighbours = {
    auditor: client("auditor", settings.AUDITOR_HOST, settings.AUDITOR_PORT),
    "rate-limiter": client("rate-limiter", settings.RATE_LIMITER_HOST, settings.RATE_LIMITER_PORT),
    "approval-gateway": client(
      "approval-gateway",
      settings.APPROVAL_GATEWAY_HOST,
      settings.APPROVAL_GATEWAY_PORT,
    ),
    broker: client("broker", settings.BROKER_HOST, settings.BROKER_PORT),
  };
  const policy = createLivePolicy({
    policyFile: settings.POLICY_FILE,
    overlayFile: settings.OVERLAY_FILE,
    logger,
  });
  const spool = createAuditSpool({
    directory: settings.STATE_DIR,
    name: `thread-${number}`,
    ship: createShip(neighbours.auditor),
  });
  const records = createEgressRecords({ spool, lines, metrics });
  const gate = createVerificationGate({
    client: neighbours.broker,
    isRequired: () => policy.current().egress.requireVerification,
  });
  const authenticate = await createProxyAuthentication({
    tokenPublicKeyPem: readSecretFile(secret("agent-token.pub")),
    serverKey: readKey(secret("server-egress.key")),
    isKnownCaller: (caller) => policy.rulesOf(caller) !== undefined,
    now: Date.now,
  });
  const questions = createQuestions({ client: neighbours["approval-gateway"], policy, logger });
  const quotas = createLeasedQuotas({ client: neighbours["rate-limiter"], logger });
  const inspect = createInspector({
    authority: readInspectionAuthority(secret("inspection-ca.json")),
    extraAuthorities: settings.EXTRA_CA_FILE && readFileSync(settings.EXTRA_CA_FILE, "utf8"),
    secretsDirectory: settings.SECRETS_DIR,
    policy: () => policy.current(),
    limits: () => readLimits(policy),
    logger,
  });
  const agents = createAgentsSide({
    policy,
    identify: createIdentify(authenticate, logger),
    precondition: () => gate.refusal(),
    ask: questions.ask,
    outside,
    quotas,
    records,
    metrics,
    logger,
    count,
    inspect,
  });

  return {
    identity,
    policy,
    spool,
    records,
    agents,
    readiness: {
      audit: async () => spool.state().isOpen,
      auditor: () => neighbours.auditor.isReachable(),
      "rate-limiter": () => neighbours["rate-limiter"].isReachable(),
    },
    async close() {
      questions.close();
      gate.close();
      policy.close();
      agents.close();
      await quotas.close();
      await spool.close();
      await Promise.all(Object.values(neighbours).map((neighbour) => neighbour.close()));
    },
  };
}

function readKey(path: string): Buffer {
  const key = readServerEgressKey(readSecretFile(path));
  if (key) return key;
  throw new ConfigError(
    `secret file ${path} is no key: run './claws up <profile>' so that bootstrap makes it anew`,
  );
}
