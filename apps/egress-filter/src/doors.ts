import type { AgentId, CompiledPolicy, EgressRule } from "@claws/contracts";
import { decideEgress } from "@claws/policy";
import type { Door } from "./judgement.ts";

/** The agents' door: the profile's own egress rules. */
export function createAgentDoor(policy: CompiledPolicy, agent: AgentId): Door {
  return {
    name: "agents",
    caller: { agent },
    decide: (request) => decideEgress(policy.egress, request),
    advise: (destination) => `add a rule under egress.rules in the profile for ${destination}`,
  };
}

/** The services' door: the origins of the model providers, and no rule of the agents opens or closes it. */
export function createServiceDoor(policy: CompiledPolicy): Door {
  const egress = { mode: "allowlist", rules: policy.models.flatMap(ruleOfProvider) } as const;
  return {
    name: "services",
    caller: { peer: "model-gateway" },
    decide(request) {
      const decision = decideEgress(egress, request);
      return decision.outcome === "deny" ? { ...decision, key: "models" } : decision;
    },
    advise: (destination) =>
      `add a provider under models in the profile whose baseUrl is https://${destination}`,
  };
}

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
