import type { ProfileSource } from "./profile-schema.ts";
import type { ProfileMistake } from "./profile-mistake.ts";
import { readUsd } from "./money.ts";

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
  profile: ProfileSource,
  overrides: ProfileOverrides,
): { profile: ProfileSource; mistakes: ProfileMistake[] } {
  const mistakes: ProfileMistake[] = [];
  const changed = structuredClone(profile);
  const tools = (name: string, text: string | undefined): string[] | undefined => {
    if (text === undefined) return undefined;
    const names = text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    const wrong = names.find((item) => !TOOL_PATTERN.test(item));
    if (wrong !== undefined)
      mistakes.push({ message: `${name}: ${JSON.stringify(wrong)} is not a tool name` });
    return names;
  };
  const integer = (name: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    mistakes.push({ message: `${name}: ${JSON.stringify(text)} is not a whole number above 0` });
    return undefined;
  };

  changed.tools.allow = tools("ALLOWED_TOOLS", overrides.allowedTools) ?? changed.tools.allow;
  // Blocking can only be added to: forgetting a line in .env must not open what the profile closed.
  changed.tools.block = [...changed.tools.block, ...(tools("BLOCKED_TOOLS", overrides.blockedTools) ?? [])];
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
