import * as z from "zod";
import { Risk } from "./call.ts";
import { EgressQuotas, EgressRule } from "./egress.ts";
import { AgentId, MicroUsd, ServerName, Sha256Hex } from "./identifiers.ts";
import { DlpAction, FindingCategory } from "./scan.ts";

/** Constraints that a profile puts on one argument, beyond the tool's own schema. */
export const ArgumentConstraint = z.strictObject({
  /** The value must be an absolute path inside one of these, judged lexically. */
  roots: z.array(z.string().startsWith("/")).min(1).optional(),
  /** The value must be a URL whose host is one of these. */
  hosts: z.array(z.string()).min(1).optional(),
  enum: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .optional(),
  maxLength: z.int().positive().optional(),
  maximum: z.number().optional(),
});
export type ArgumentConstraint = z.infer<typeof ArgumentConstraint>;

/** What the profile says of the tools that a pattern matches. */
export const ToolRule = z.strictObject({
  match: z.string(),
  risk: Risk.optional(),
  constraints: z.record(z.string(), ArgumentConstraint).optional(),
  callsPerMinute: z.int().positive().optional(),
  priceMicroUsd: MicroUsd.optional(),
  deadlineMs: z.int().positive().optional(),
});
export type ToolRule = z.infer<typeof ToolRule>;

export const ToolScope = z.strictObject({ allow: z.array(z.string()), block: z.array(z.string()) });
export type ToolScope = z.infer<typeof ToolScope>;

export const ServerMount = z.strictObject({
  source: z.union([
    z.literal("workspace"),
    z.string().regex(/^volume:[a-z][a-z0-9-]{0,31}$/, "must be workspace, or volume: and a name"),
  ]),
  target: z.string().startsWith("/"),
  readOnly: z.boolean(),
});
export type ServerMount = z.infer<typeof ServerMount>;

export const ServerSpec = z.strictObject({
  image: z.string().min(1),
  args: z.array(z.string()),
  mounts: z.array(ServerMount),
  environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()),
  memoryMb: z.int().min(16).max(4096),
  /** Where the server may go, through egress-filter alone; without rules it has no network. */
  egress: z.array(EgressRule).optional(),
});
export type ServerSpec = z.infer<typeof ServerSpec>;

export const ModelSpec = z.strictObject({
  name: z.string(),
  inputMicroUsdPerMillion: MicroUsd,
  outputMicroUsdPerMillion: MicroUsd,
});
export type ModelSpec = z.infer<typeof ModelSpec>;

export const ModelProvider = z.strictObject({
  dialect: z.enum(["openai", "anthropic"]),
  /** `mock` answers from inside model-gateway; else an https origin reached through egress-filter. */
  baseUrl: z.union([z.literal("mock"), z.url()]),
  /** Name of the secret (`./claws secrets set NAME`) that holds the key. */
  secret: z.string().optional(),
  models: z.array(ModelSpec).min(1),
});
export type ModelProvider = z.infer<typeof ModelProvider>;

export const DlpActions = z.record(FindingCategory, DlpAction);
export type DlpActions = z.infer<typeof DlpActions>;

/** A profile after compilation: defaults filled in, overrides applied, every reference checked. */
export const CompiledPolicy = z.strictObject({
  version: z.literal(1),
  profile: z.string(),
  /** SHA-256 over the canonical JSON of the rest of this document. */
  hash: Sha256Hex,
  agents: z.record(
    AgentId,
    z.strictObject({
      tools: ToolScope.optional(),
      /** In place of the profile's allow and ask rules; the profile's deny rules hold all the same. */
      egress: z.array(EgressRule).optional(),
    }),
  ),
  servers: z.record(ServerName, ServerSpec),
  tools: z.strictObject({ scope: ToolScope, rules: z.array(ToolRule), defaultRisk: Risk }),
  egress: z.strictObject({
    mode: z.enum(["allowlist", "public"]),
    rules: z.array(EgressRule),
    quotas: EgressQuotas,
    /** How long a question waits for a person, and how many may be open at once. */
    ask: z.strictObject({ seconds: z.int().min(1).max(300), maxOpen: z.int().min(1).max(100) }),
    /** Whether the doors stay closed until `verify` has passed. */
    requireVerification: z.boolean(),
  }),
  limits: z.strictObject({
    callsPerMinute: z.int().positive(),
    costPerSessionMicroUsd: MicroUsd,
    costPerDayMicroUsd: MicroUsd,
    tokensPerRequest: z.int().positive(),
  }),
  dlp: z.strictObject({
    arguments: DlpActions,
    results: DlpActions,
    "model-requests": DlpActions,
    "model-responses": DlpActions,
    "egress-requests": DlpActions,
    "egress-responses": DlpActions,
  }),
  approvals: z.strictObject({
    expireAfterSeconds: z.int().min(10).max(86_400),
    holdSeconds: z.int().min(1).max(50),
  }),
  models: z.array(ModelProvider),
});
export type CompiledPolicy = z.infer<typeof CompiledPolicy>;
