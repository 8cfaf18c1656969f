import type { AgentId, CompiledPolicy, ToolName, ToolScope } from "@claws/contracts";
import { matchesTool } from "./tool-pattern.ts";

export type ScopeDecision =
  | { readonly allowed: true; readonly rule: string }
  | {
      readonly allowed: false;
      readonly code: "agent_unknown" | "tool_not_allowed";
      readonly reason: string;
      readonly key: string;
    };

type PolicyScope = Pick<CompiledPolicy, "profile" | "agents" | "tools">;

/**
 * Whether an agent may see and use a tool. `tools/list` and `tools/call` both ask this one function.
 * Block wins over allow; the agent's own scope can only narrow the profile's; no match is a refusal.
 */
export function decideToolScope(policy: PolicyScope, agent: AgentId, tool: ToolName): ScopeDecision {
  // `constructor` is a well-formed name, and every object has one.
  const known = Object.hasOwn(policy.agents, agent) ? policy.agents[agent] : undefined;
  if (known === undefined) {
    return {
      allowed: false,
      code: "agent_unknown",
      reason: `profile ${policy.profile} knows no agent ${agent}`,
      key: "agents",
    };
  }
  const inProfile = decideScope(policy.tools.scope, tool, "tools");
  if (!inProfile.allowed || known.tools === undefined) return inProfile;
  return decideScope(known.tools, tool, `agents.${agent}.tools`);
}

function decideScope(scope: ToolScope, tool: ToolName, key: string): ScopeDecision {
  const blocked = scope.block.find((pattern) => matchesTool(pattern, tool));
  if (blocked !== undefined) {
    return {
      allowed: false,
      code: "tool_not_allowed",
      reason: `${key}.block names ${blocked}`,
      key: `${key}.block`,
    };
  }
  const allowed = scope.allow.find((pattern) => matchesTool(pattern, tool));
  if (allowed !== undefined) return { allowed: true, rule: `${key}.allow ${allowed}` };
  return {
    allowed: false,
    code: "tool_not_allowed",
    reason: `nothing in ${key}.allow matches ${tool}`,
    key: `${key}.allow`,
  };
}
