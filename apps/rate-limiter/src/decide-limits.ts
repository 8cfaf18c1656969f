import type { AdmissionRequest, AgentId, CompiledPolicy } from "@claws/contracts";
import { matchesTool } from "@claws/policy";

/** One limit as a refusal names it: which scope, and which key of the profile to change. */
export interface NamedLimit {
  readonly scope: "agent" | "tool" | "session" | "day";
  readonly key: string;
  readonly limit: number;
}

/** Calls per minute; calls with the same counter are counted together. */
export interface RateLimit extends NamedLimit {
  readonly counter: RateCounter;
}

export type RateCounter =
  | { readonly of: "agent"; readonly agent: AgentId }
  | { readonly of: "tool"; readonly agent: AgentId; readonly match: string };

export interface AdmissionLimits {
  readonly rates: readonly RateLimit[];
  readonly session: NamedLimit;
  readonly day: NamedLimit;
}

type LimitingPolicy = Pick<CompiledPolicy, "limits" | "tools">;

/**
 * Which limits one call must pass, in the order in which a refusal names them. Every matching tool rule
 * counts, the tightest first, so that a broad rule bounds all its tools together.
 */
export function decideLimits(
  { limits, tools }: LimitingPolicy,
  { agent, kind, subject }: Pick<AdmissionRequest, "agent" | "kind" | "subject">,
): AdmissionLimits {
  const toolRates = tools.rules
    .flatMap(({ match, callsPerMinute }, index): RateLimit[] =>
      kind !== "tool" || callsPerMinute === undefined || !matchesTool(match, subject)
        ? []
        : [
            {
              scope: "tool",
              key: `tools.rules[${index}].callsPerMinute`,
              limit: callsPerMinute,
              counter: { of: "tool", agent, match },
            },
          ],
    )
    .sort((one, other) => one.limit - other.limit);
  return {
    rates: [
      {
        scope: "agent",
        key: "limits.callsPerMinute",
        limit: limits.callsPerMinute,
        counter: { of: "agent", agent },
      },
      ...withoutSharedCounters(toolRates),
    ],
    session: {
      scope: "session",
      key: "limits.costPerSessionUsd",
      limit: limits.costPerSessionMicroUsd,
    },
    day: { scope: "day", key: "limits.costPerDayUsd", limit: limits.costPerDayMicroUsd },
  };
}

/** Two rules with the same match share one counter; the tighter of them decides. */
function withoutSharedCounters(tightestFirst: readonly RateLimit[]): readonly RateLimit[] {
  const seen = new Set<string>();
  return tightestFirst.filter(({ counter }) => {
    const match = counter.of === "tool" ? counter.match : "";
    if (seen.has(match)) return false;
    seen.add(match);
    return true;
  });
}
