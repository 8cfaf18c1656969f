import { type CompiledPolicy, createProblem } from "@claws/contracts";
import { decideToolScope } from "@claws/policy";
import { ALLOW, deny, type Gate } from "../gate.ts";

/** The tool must be allowed for this profile and agent. `tools/list` asks the same function. */
export function createScopeGate(policy: CompiledPolicy): Gate {
  return {
    name: "scope",
    decide({ call }) {
      const decision = decideToolScope(policy, call.agent, call.tool);
      if (decision.allowed) return ALLOW;
      const { code, reason, key } = decision;
      return deny(createProblem(code, { service: "broker", detail: `${call.tool}: ${reason}`, key }));
    },
  };
}
