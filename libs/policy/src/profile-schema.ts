import {
  AgentId,
  ArgumentConstraint,
  DlpAction,
  FindingCategory,
  Risk,
  ServerMount,
  ServerName,
} from "@claws/contracts";
import * as z from "zod";
import { readHostPattern } from "./host-pattern.ts";
import { readUsd } from "./money.ts";

/** A pattern over tools: `server__tool`, `tool`, with `*` for any run of characters. */
const ToolPattern = z
  .string()
  .regex(/^[A-Za-z0-9_.*-]{1,160}$/, "must be a tool name, with * for any run of characters")
  .meta({
    description: "server__tool, or a tool's own name on any server; * stands for any run of characters",
  });

const Usd = z
  .union([z.string(), z.number()])
  .refine(
    (value) => readUsd(String(value)) !== undefined,
    "must be US dollars with at most 6 decimals, for instance 10.00",
  )
  .meta({ description: "US dollars, for instance 10.00" });

const ToolLists = z.strictObject({
  allow: z.array(ToolPattern).default([]),
  block: z.array(ToolPattern).default([]).meta({ description: "wins over allow" }),
});

const ToolRuleSource = z.strictObject({
  match: ToolPattern,
  risk: Risk.optional().meta({
    description: "LOW runs, MEDIUM also notifies, HIGH waits for one person, CRITICAL for two",
  }),
  constraints: z.record(z.string(), ArgumentConstraint).optional(),
  callsPerMinute: z.int().positive().optional(),
  priceUsd: Usd.optional(),
  deadlineSeconds: z.int().min(1).max(3_600).optional(),
});

const SecretName = z.string().regex(/^[A-Z][A-Z0-9_]*$/, "must be an UPPER_CASE name");

const HeaderName = z.string().regex(/^[a-z0-9-]+$/, "must be a header name in lower case");

const CredentialSource = z
  .strictObject({
    header: HeaderName.default("authorization"),
    scheme: z
      .string()
      .regex(/^[A-Za-z]+$/)
      .optional()
      .meta({ description: "what stands before the key, for instance Bearer" }),
    secret: SecretName.meta({ description: "./claws secrets set NAME --for egress-filter" }),
    mode: z.enum(["pin", "swap"]).meta({
      description:
        "pin: only this key may be used at this host; swap: the agent sends claws-secret-NAME in its place",
    }),
  })
  .optional();

const DESTINATIONS = ["allow", "ask", "deny"] as const;

const EgressRuleSource = z
  .strictObject({
    allow: z
      .string()
      .optional()
      .meta({ description: "host:port; *. for one label in front, **. for any depth" }),
    ask: z.string().optional().meta({ description: "host:port; the request waits for a person" }),
    deny: z.string().optional().meta({ description: "host:port; wins over allow and ask" }),
    methods: z
      .array(z.string().regex(/^[A-Z]+$/, "must be upper case"))
      .min(1)
      .optional(),
    paths: z.array(z.string().startsWith("/", "must start with /")).min(1).optional().meta({
      description: "a prefix that ends in /, an exact path, or a glob: * inside a segment, ** over segments",
    }),
    headers: z
      .record(HeaderName, z.array(z.string()))
      .optional()
      .meta({ description: "name: [values that it must have]; an empty list forbids the header" }),
    addresses: z
      .array(z.union([z.cidrv4(), z.cidrv6()], "must be a range, for instance 10.1.0.0/16"))
      .min(1)
      .optional()
      .meta({ description: "ranges that are accepted for this host although they are not public" }),
    inspect: z
      .boolean()
      .optional()
      .meta({ description: "open TLS, so that method, path, headers and content are judged" }),
    credential: CredentialSource,
    acknowledge: z
      .string()
      .trim()
      .min(10, "say in a sentence why the risk is taken")
      .optional()
      .meta({ description: "why a rule that ./claws profile check warns of is meant" }),
  })
  .refine((rule) => DESTINATIONS.filter((action) => rule[action] !== undefined).length === 1, {
    error: "needs exactly one of allow, ask and deny",
    abort: true,
  })
  .refine((rule) => readHostAndPort(destinationOf(rule)) !== undefined, {
    error: ({ input }) => explainDestination(destinationOf(input as Destinations)),
  });
export type EgressRuleSource = z.infer<typeof EgressRuleSource>;

type Destinations = { readonly [Action in (typeof DESTINATIONS)[number]]?: string | undefined };

/** What the rule is about, whichever of its three words says so. */
export function destinationOf({ allow, ask, deny }: Destinations): string {
  return allow ?? ask ?? deny ?? "";
}

function explainDestination(text: string): string {
  const reading = readHostPattern(text.replace(/:\d+$/, ""));
  return reading.ok
    ? "must be host:port, for instance example.org:443 or *.example.org:443"
    : `must be host:port; ${reading.reason}`;
}

/** Splits `host:port` of an egress rule; undefined when it is not of that form. */
export function readHostAndPort(text: string): { host: string; port: number } | undefined {
  const separator = text.lastIndexOf(":");
  const host = text.slice(0, separator);
  const port = text.slice(separator + 1);
  if (separator < 1 || !readHostPattern(host).ok || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535)
    return undefined;
  return { host, port: Number(port) };
}

const ServerSource = z.strictObject({
  image: z.string().min(1),
  args: z.array(z.string()).default([]),
  mounts: z.array(ServerMount).default([]),
  environment: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]*$/, "must be an UPPER_CASE name"), z.string())
    .default({}),
  memoryMb: z.int().min(16).max(4_096).default(256),
  egress: z
    .array(EgressRuleSource)
    .optional()
    .meta({ description: "where the server may go, through egress-filter; without rules it has no network" }),
});

const Actions = z.record(FindingCategory, DlpAction);
const actionsWith = (defaults: z.input<typeof Actions>) =>
  z
    .partialRecord(FindingCategory, DlpAction)
    .default({})
    .transform((set) => ({ ...defaults, ...set }));

const ModelProviderSource = z.strictObject({
  dialect: z.enum(["openai", "anthropic"]),
  baseUrl: z.union([
    z.literal("mock"),
    z.url({ protocol: /^https$/, error: "must be mock or an https:// origin" }),
  ]),
  secret: SecretName.optional().meta({
    description: "name under which the key was stored: ./claws secrets set NAME",
  }),
  models: z
    .array(z.strictObject({ name: z.string().min(1), inputUsdPerMillion: Usd, outputUsdPerMillion: Usd }))
    .min(1),
});

/** A profile as people write it. Everything that is left out has a safe default; unknown keys are mistakes. */
export const ProfileSource = z.strictObject({
  version: z.literal(1, "must be 1"),
  description: z.string().optional(),
  agents: z
    .record(
      AgentId,
      z.strictObject({
        tools: ToolLists.optional().meta({ description: "can only narrow the profile's" }),
        egress: z.array(EgressRuleSource).optional().meta({
          description: "in place of the profile's allow and ask rules; its deny rules hold all the same",
        }),
      }),
    )
    .default({ ["main" as AgentId]: {} }),
  servers: z.record(ServerName, ServerSource).default({}),
  tools: ToolLists.extend({
    defaultRisk: Risk.default("HIGH"),
    rules: z.array(ToolRuleSource).default([]),
  }).prefault({}),
  egress: z
    .strictObject({
      mode: z.enum(["allowlist", "public"]).default("allowlist"),
      rules: z.array(EgressRuleSource).default([]),
      quotas: z
        .strictObject({
          requestsPerMinute: z.int().positive().default(600),
          connections: z.int().min(1).max(10_000).default(256),
          uploadMbPerSession: z.number().positive().default(200),
          downloadMbPerSession: z.number().positive().default(10_000),
          uploadMbPerHost: z
            .number()
            .positive()
            .default(100)
            .meta({ description: "to one host in one session" }),
          downloadMbPerHost: z.number().positive().default(5_000),
          idleSeconds: z.int().min(1).max(86_400).default(600),
          totalSeconds: z.int().min(1).max(604_800).default(43_200),
        })
        .prefault({}),
      ask: z
        .strictObject({
          seconds: z.int().min(1).max(300).default(30),
          maxOpen: z.int().min(1).max(100).default(5),
        })
        .prefault({}),
      requireVerification: z
        .boolean()
        .default(true)
        .meta({ description: "the doors stay closed until ./claws verify has passed" }),
    })
    .prefault({}),
  limits: z
    .strictObject({
      callsPerMinute: z.int().positive().default(100),
      costPerSessionUsd: Usd.default("10.00"),
      costPerDayUsd: Usd.default("50.00"),
      tokensPerRequest: z.int().positive().default(8_000),
    })
    .prefault({}),
  dlp: z
    .strictObject({
      arguments: actionsWith({
        secret: "block",
        pii: "redact",
        exfiltration: "flag",
        injection: "flag",
        size: "block",
      }),
      results: actionsWith({
        secret: "redact",
        pii: "flag",
        exfiltration: "flag",
        injection: "flag",
        size: "flag",
      }),
      "model-requests": actionsWith({
        secret: "block",
        pii: "flag",
        exfiltration: "flag",
        injection: "flag",
        size: "flag",
      }),
      "model-responses": actionsWith({
        secret: "flag",
        pii: "flag",
        exfiltration: "flag",
        injection: "flag",
        size: "flag",
      }),
      "egress-requests": actionsWith({
        secret: "block",
        pii: "flag",
        exfiltration: "flag",
        injection: "flag",
        size: "flag",
      }),
      "egress-responses": actionsWith({
        secret: "flag",
        pii: "flag",
        exfiltration: "flag",
        injection: "flag",
        size: "flag",
      }),
    })
    .prefault({}),
  approvals: z
    .strictObject({
      expireAfterSeconds: z.int().min(10).max(86_400).default(300),
      holdSeconds: z.int().min(1).max(50).default(50),
    })
    .prefault({}),
  models: z.array(ModelProviderSource).default([]),
});
export type ProfileSource = z.infer<typeof ProfileSource>;
