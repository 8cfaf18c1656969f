import { createHash } from "node:crypto";
import { CompiledPolicy, MicroUsd } from "@claws/contracts";
import canonicalize from "canonicalize";
import type * as z from "zod";
import { findBrokenReferences } from "./broken-references.ts";
import { readUsd } from "./money.ts";
import { locateIssues, type ProfileMistake } from "./profile-mistake.ts";
import { applyOverrides, type ProfileOverrides } from "./profile-overrides.ts";
import { compileEgress, compileRules } from "./compile-egress.ts";
import { ProfileSource } from "./profile-schema.ts";
import { readYaml } from "./read-yaml.ts";

export type Compilation =
  | { readonly ok: true; readonly policy: CompiledPolicy }
  | { readonly ok: false; readonly mistakes: readonly ProfileMistake[] };

/** Compiles a profile: parses, checks references, applies overrides, fills in defaults, and hashes the result. */
export function compileProfile(name: string, text: string, overrides: ProfileOverrides = {}): Compilation {
  const yaml = readYaml(text);
  if (!yaml.ok) return yaml;
  const { value, document, lines } = yaml;
  const parsed = ProfileSource.safeParse(value);
  if (!parsed.success) return { ok: false, mistakes: locateIssues(parsed.error.issues, document, lines) };

  const { profile, mistakes } = applyOverrides(name, parsed.data, overrides);
  mistakes.unshift(...locateIssues(findBrokenReferences(parsed.data), document, lines));
  if (mistakes.length > 0) return { ok: false, mistakes };
  const body = bodyOf(name, profile);
  const hash = createHash("sha256")
    .update(canonicalize(body) ?? "")
    .digest("hex");
  return { ok: true, policy: CompiledPolicy.parse({ ...body, hash }) };
}

const usd = (value: string | number): MicroUsd => readUsd(String(value)) ?? MicroUsd.parse(0);

function bodyOf(name: string, profile: ProfileSource): Omit<z.input<typeof CompiledPolicy>, "hash"> {
  const { limits } = profile;
  return {
    version: 1,
    profile: name,
    agents: mapValues(profile.agents, ({ egress, ...agent }, name) => ({
      ...agent,
      ...(egress === undefined ? {} : { egress: compileRules(egress, `agents.${name}.egress`) }),
    })),
    servers: mapValues(profile.servers, ({ egress, ...server }, name) => ({
      ...server,
      ...(egress === undefined ? {} : { egress: compileRules(egress, `servers.${name}.egress`) }),
    })),
    tools: {
      scope: { allow: profile.tools.allow, block: profile.tools.block },
      defaultRisk: profile.tools.defaultRisk,
      rules: profile.tools.rules.map(({ priceUsd, deadlineSeconds, ...rule }) => ({
        ...rule,
        ...(priceUsd === undefined ? {} : { priceMicroUsd: usd(priceUsd) }),
        ...(deadlineSeconds === undefined ? {} : { deadlineMs: deadlineSeconds * 1_000 }),
      })),
    },
    egress: compileEgress(profile.egress),
    limits: {
      callsPerMinute: limits.callsPerMinute,
      costPerSessionMicroUsd: usd(limits.costPerSessionUsd),
      costPerDayMicroUsd: usd(limits.costPerDayUsd),
      tokensPerRequest: limits.tokensPerRequest,
    },
    dlp: profile.dlp,
    approvals: profile.approvals,
    models: profile.models.map(({ models, ...provider }) => ({
      ...provider,
      models: models.map((model) => ({
        name: model.name,
        inputMicroUsdPerMillion: usd(model.inputUsdPerMillion),
        outputMicroUsdPerMillion: usd(model.outputUsdPerMillion),
      })),
    })),
  };
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  change: (value: Value, name: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}
