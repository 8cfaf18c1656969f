import { createHash } from "node:crypto";
import { CompiledPolicy, MicroUsd } from "@claws/contracts";
import canonicalize from "canonicalize";
import { LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import { readUsd } from "./money.ts";
import { locateIssues, type ProfileMistake } from "./profile-mistake.ts";
import { applyOverrides, type ProfileOverrides } from "./profile-overrides.ts";
import { ProfileSource, readHostAndPort } from "./profile-schema.ts";

export type Compilation =
  | { readonly ok: true; readonly policy: CompiledPolicy }
  | { readonly ok: false; readonly mistakes: readonly ProfileMistake[] };

/** Compiles a profile: parses, applies overrides, fills in defaults, checks references, and hashes the result. */
export function compileProfile(name: string, text: string, overrides: ProfileOverrides = {}): Compilation {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: "1.2" });
  if (document.errors.length > 0) {
    return {
      ok: false,
      mistakes: document.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        message: error.message.split("\n")[0] ?? error.code,
      })),
    };
  }
  const parsed = ProfileSource.safeParse(document.toJS({ maxAliasCount: 20 }));
  if (!parsed.success) return { ok: false, mistakes: locateIssues(parsed.error.issues, document, lines) };

  const { profile, mistakes } = applyOverrides(parsed.data, overrides);
  mistakes.push(...locateIssues(findBrokenReferences(profile), document, lines));
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
    agents: profile.agents,
    servers: profile.servers,
    tools: {
      scope: { allow: profile.tools.allow, block: profile.tools.block },
      defaultRisk: profile.tools.defaultRisk,
      rules: profile.tools.rules.map(({ priceUsd, deadlineSeconds, ...rule }) => ({
        ...rule,
        ...(priceUsd === undefined ? {} : { priceMicroUsd: usd(priceUsd) }),
        ...(deadlineSeconds === undefined ? {} : { deadlineMs: deadlineSeconds * 1_000 }),
      })),
    },
    egress: {
      mode: profile.egress.mode,
      rules: profile.egress.rules.flatMap(({ allow, deny, ...rest }, index) => {
        const destination = readHostAndPort(allow ?? deny ?? "");
        if (destination === undefined) return [];
        const action = allow === undefined ? ("deny" as const) : ("allow" as const);
        return [{ action, ...destination, ...rest, key: `egress.rules[${index}]` }];
      }),
    },
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

/** What a schema cannot say: names that point nowhere, and one model name offered twice. */
function findBrokenReferences(profile: ProfileSource): z.core.$ZodIssue[] {
  const issues: z.core.$ZodIssue[] = [];
  const report = (path: PropertyKey[], message: string) =>
    issues.push({ code: "custom", path, message, input: undefined });
  const isServer = (pattern: string) => {
    const server = pattern.split("__")[0] ?? "";
    return !pattern.includes("__") || server.includes("*") || Object.hasOwn(profile.servers, server);
  };
  const check = (patterns: readonly string[], path: PropertyKey[]) =>
    patterns.forEach((pattern, index) => {
      if (!isServer(pattern)) report([...path, index], `${pattern} names a server that is not under servers`);
    });
  check(profile.tools.allow, ["tools", "allow"]);
  profile.tools.rules.forEach((rule, index) => {
    if (!isServer(rule.match))
      report(["tools", "rules", index, "match"], `${rule.match} names a server that is not under servers`);
  });
  const seen = new Set<string>();
  profile.models.forEach((provider, index) => {
    if (provider.baseUrl !== "mock" && provider.secret === undefined) {
      report(["models", index], "a provider that is not mock needs secret: the name of its key");
    }
    for (const [position, { name }] of provider.models.entries()) {
      if (seen.has(name))
        report(["models", index, "models", position, "name"], `model ${name} is offered twice`);
      seen.add(name);
    }
  });
  return issues;
}
