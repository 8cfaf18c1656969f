import type { CompiledPolicy } from "@claws/contracts";

export interface PolicyParts {
  readonly egress: CompiledPolicy["egress"];
  /** The `baseUrl` of each model provider. */
  readonly models?: readonly string[];
}

/** A compiled policy of which only the way out is of interest. */
export function policyWith({ egress, models = [] }: PolicyParts): unknown {
  const actions = { secret: "block", pii: "flag", exfiltration: "block", injection: "flag", size: "block" };
  return {
    version: 1,
    profile: "test",
    hash: "0".repeat(64),
    agents: { main: {} },
    servers: {},
    tools: { scope: { allow: [], block: [] }, rules: [], defaultRisk: "LOW" },
    egress,
    limits: {
      callsPerMinute: 60,
      costPerSessionMicroUsd: 0,
      costPerDayMicroUsd: 0,
      tokensPerRequest: 1_000,
    },
    dlp: { arguments: actions, results: actions, "model-requests": actions, "model-responses": actions },
    approvals: { expireAfterSeconds: 300, holdSeconds: 50 },
    models: models.map((baseUrl) => ({
      dialect: "openai",
      baseUrl,
      models: [{ name: "m", inputMicroUsdPerMillion: 0, outputMicroUsdPerMillion: 0 }],
    })),
  };
}
