import type { CompiledPolicy, EgressRule } from "@claws/contracts";
import {
  createEgressRules,
  type EgressRuleList,
  type EgressRules,
  matchesHost,
  ruleListOf,
} from "@claws/policy";
import { type Caller, nameOf } from "./caller.ts";

/** Which rules hold for whom. A caller that the policy does not know has none, and gets nowhere. */
export type RulesOf = (caller: Caller) => EgressRules | undefined;

/** A destination that a person allowed for good since the profile was written. */
export interface OverlayDestination {
  readonly host: string;
  readonly port: number;
  /** Where it stands in the overlay file. */
  readonly key: string;
}

/** By the name of the caller that it was said for. */
export type Overlay = ReadonlyMap<string, readonly OverlayDestination[]>;

/**
 * Each agent has the profile's rules, or its own in place of the profile's allow and ask rules. An MCP server has
 * those of its grant. The profile's deny rules hold for all of them. Each list is compiled once.
 */
export function createCallerRules(policy: CompiledPolicy, overlay: Overlay = new Map()): RulesOf {
  const compiled = new Map<string, EgressRules | undefined>();
  return function rulesOf(caller) {
    const name = nameOf(caller);
    if (compiled.has(name)) return compiled.get(name);
    const source = sourceOf(policy, caller);
    const rules =
      source === undefined
        ? undefined
        : createEgressRules({ ...source, rules: answerRules(source.rules, overlay.get(name)) });
    // Names of callers are the policy's own, so this never holds more than the policy does.
    if (rules !== undefined) compiled.set(name, rules);
    return rules;
  };
}

/**
 * A yes for good turns the rule that asked into one that allows, for that destination alone, with every condition that it
 * has and in its own place: what stood before it still comes first. Where no rule asks, it opens nothing.
 */
function answerRules(
  rules: readonly EgressRule[],
  destinations: readonly OverlayDestination[] = [],
): readonly EgressRule[] {
  if (destinations.length === 0) return rules;
  return rules.flatMap((rule): EgressRule[] => {
    if (rule.action !== "ask") return [rule];
    const answered = destinations
      .filter(({ host, port }) => rule.port === port && matchesHost(rule.host, host))
      .map(
        ({ host, key }): EgressRule => ({ ...rule, action: "allow", host, key: `${key} for ${rule.key}` }),
      );
    return [...answered, rule];
  });
}

function sourceOf(policy: CompiledPolicy, caller: Caller): EgressRuleList | undefined {
  return caller.kind === "service"
    ? { mode: "allowlist", rules: policy.models.flatMap(ruleOfProvider), key: "models" }
    : ruleListOf(policy, caller);
}

/** The origins of the model providers: no rule of the agents opens or closes them. */
function ruleOfProvider({ baseUrl }: CompiledPolicy["models"][number], index: number): EgressRule[] {
  if (baseUrl === "mock") return [];
  const { protocol, hostname, port } = new URL(baseUrl);
  const schemePort = protocol === "https:" ? 443 : 80;
  return [
    {
      action: "allow",
      host: hostname,
      port: port === "" ? schemePort : Number(port),
      methods: ["CONNECT"],
      key: `models[${index}].baseUrl`,
    },
  ];
}
