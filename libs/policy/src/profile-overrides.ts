import { findUnknownServer } from "./broken-references.ts";
import { readUsd } from "./money.ts";
import type { ProfileMistake } from "./profile-mistake.ts";
import type { ProfileSource } from "./profile-schema.ts";

/** Settings of `.env` that go over the profile, by the name under which users know them. */
export interface ProfileOverrides {
  /** `ALLOWED_TOOLS_BASIC` or `ALLOWED_TOOLS_FILTERED`, whichever belongs to this profile. */
  readonly allowedTools?: string | undefined;
  readonly blockedTools?: string | undefined;
  readonly maxApiCallsPerMinute?: string | undefined;
  readonly maxCostPerSessionUsd?: string | undefined;
  readonly maxTokensPerRequest?: string | undefined;
}

const TOOL_PATTERN = /^[A-Za-z0-9_.*-]{1,160}$/;

/** Applies the overrides; each that does not parse is a mistake that names the variable. */
export function applyOverrides(
  name: string,
  profile: ProfileSource,
  overrides: ProfileOverrides,
): { profile: ProfileSource; mistakes: ProfileMistake[] } {
  const mistakes: ProfileMistake[] = [];
  const changed = structuredClone(profile);
  const tools = (variable: string, text: string): string[] => {
    const patterns = text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    for (const pattern of patterns.filter((item) => !TOOL_PATTERN.test(item)))
      mistakes.push({ message: `${variable}: ${JSON.stringify(pattern)} is not a tool name` });
    return patterns;
  };
  const integer = (variable: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    mistakes.push({ message: `${variable}: ${JSON.stringify(text)} is not a whole number above 0` });
    return undefined;
  };

  if (overrides.allowedTools !== undefined) {
    const variable = `ALLOWED_TOOLS_${name.toUpperCase()}`;
    changed.tools.allow = tools(variable, overrides.allowedTools);
    for (const pattern of changed.tools.allow) {
      const unknown = findUnknownServer(profile, pattern);
      if (unknown !== undefined) mistakes.push({ message: `${variable}: ${unknown}` });
    }
  }
  // Blocking can only be added to: forgetting a line in .env must not open what the profile closed. It goes
  // over every profile, so it may name a server that this one does not have.
  changed.tools.block = [...changed.tools.block, ...tools("BLOCKED_TOOLS", overrides.blockedTools ?? "")];
  changed.limits.callsPerMinute =
    integer("MAX_API_CALLS_PER_MINUTE", overrides.maxApiCallsPerMinute) ?? changed.limits.callsPerMinute;
  changed.limits.tokensPerRequest =
    integer("MAX_TOKENS_PER_REQUEST", overrides.maxTokensPerRequest) ?? changed.limits.tokensPerRequest;
  if (overrides.maxCostPerSessionUsd !== undefined) {
    if (readUsd(overrides.maxCostPerSessionUsd) === undefined) {
      mistakes.push({
        message: `MAX_COST_PER_SESSION_USD: ${JSON.stringify(overrides.maxCostPerSessionUsd)} is not US dollars like 10.00`,
      });
    } else {
      changed.limits.costPerSessionUsd = overrides.maxCostPerSessionUsd;
    }
  }
  return { profile: changed, mistakes };
}
