import type { CompiledPolicy, EgressCaller, EgressRule } from "@claws/contracts";
import type { EgressRuleList } from "./egress-rules.ts";

type WithoutSession<Caller> = Caller extends unknown ? Omit<Caller, "session"> : never;

/** Whose rules are asked for; they are the same in every session. */
export type RuleHolder = WithoutSession<EgressCaller>;

/**
 * The rules of an agent (the profile's, or its own in place of the profile's allow and ask rules) or of an MCP
 * server (its own). The profile's deny rules hold for all. Undefined for whom the policy gives no way out.
 */
export function ruleListOf(policy: CompiledPolicy, holder: RuleHolder): Required<EgressRuleList> | undefined {
  const { egress, agents, servers } = policy;
  if (holder.kind === "server") {
    const own = Object.hasOwn(servers, holder.server) ? servers[holder.server]?.egress : undefined;
    return own === undefined ? undefined : ownList(policy, own, `servers.${holder.server}.egress`);
  }
  if (!Object.hasOwn(agents, holder.agent)) return undefined;
  const own = agents[holder.agent]?.egress;
  if (own !== undefined) return ownList(policy, own, `agents.${holder.agent}.egress`);
  return { mode: egress.mode, rules: egress.rules, key: "egress.rules" };
}

/** Whoever has a list of its own has nothing beside it: not the public mode either. */
function ownList(
  { egress }: CompiledPolicy,
  own: readonly EgressRule[],
  key: string,
): Required<EgressRuleList> {
  return {
    mode: "allowlist",
    rules: [...egress.rules.filter(({ action }) => action === "deny"), ...own],
    key,
  };
}
