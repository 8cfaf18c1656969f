import type { CompiledPolicy } from "@claws/contracts";

type Egress = CompiledPolicy["egress"];

export interface PolicyParts {
  readonly egress: Pick<Egress, "mode" | "rules"> & {
    readonly quotas?: Partial<Egress["quotas"]>;
    readonly ask?: Egress["ask"];
    readonly requireVerification?: boolean;
  };
  /** The `baseUrl` of each model provider. */
  readonly models?: readonly string[];
  readonly agents?: unknown;
  readonly servers?: unknown;
}

const QUOTAS: Egress["quotas"] = {
  requestsPerMinute: 600,
  connections: 256,
  uploadBytesPerSession: 1e9,
  downloadBytesPerSession: 1e9,
  uploadBytesPerHost: 1e9,
  downloadBytesPerHost: 1e9,
  idleSeconds: 600,
  totalSeconds: 43_200,
};

/** A compiled policy of which only the way out is of interest. */
export function policyWith({
  egress,
  models = [],
  agents = { main: {} },
  servers = {},
}: PolicyParts): unknown {
  const actions = { secret: "block", pii: "flag", exfiltration: "block", injection: "flag", size: "block" };
  return {
    version: 1,
    profile: "test",
    hash: "0".repeat(64),
    agents,
    servers,
    tools: { scope: { allow: [], block: [] }, rules: [], defaultRisk: "LOW" },
    egress: {
      mode: egress.mode,
      rules: egress.rules,
      quotas: { ...QUOTAS, ...egress.quotas },
      ask: egress.ask ?? { seconds: 5, maxOpen: 5 },
      requireVerification: egress.requireVerification ?? false,
    },
    limits: {
      callsPerMinute: 60,
      costPerSessionMicroUsd: 0,
      costPerDayMicroUsd: 0,
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
    models: models.map((baseUrl) => ({
      dialect: "openai",
      baseUrl,
      models: [{ name: "m", inputMicroUsdPerMillion: 0, outputMicroUsdPerMillion: 0 }],
    })),
  };
}
