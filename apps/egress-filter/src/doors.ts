import type { EgressDecision } from "@claws/policy";
import type { Caller } from "./caller.ts";
import type { RulesOf } from "./caller-rules.ts";
import type { EgressRequest } from "./read-request.ts";

/** A listener, and the rules for those behind it. */
export interface Door {
  readonly name: "agents" | "services";
  decide(caller: Caller, request: EgressRequest): EgressDecision;
  /** What to change so that the destination becomes reachable. */
  advise(caller: Caller, destination: string): string;
}

/** The door of agents and of MCP servers with a grant: the profile's egress rules. */
export function createAgentDoor({ rulesOf }: { readonly rulesOf: RulesOf }): Door {
  return {
    name: "agents",
    decide: (caller, request) => decideBy(rulesOf, caller, request, "egress.rules"),
    advise: (caller, destination) =>
      caller.kind === "server"
        ? `add a rule under servers.${caller.server}.egress in the profile for ${destination}`
        : `add a rule under egress.rules in the profile for ${destination}`,
  };
}

/** The services' door: the origins of the model providers, and no rule of the agents opens or closes it. */
export function createServiceDoor({ rulesOf }: { readonly rulesOf: RulesOf }): Door {
  return {
    name: "services",
    decide: (caller, request) => decideBy(rulesOf, caller, request, "models"),
    advise: (_caller, destination) =>
      `add a provider under models in the profile whose baseUrl is https://${destination}`,
  };
}

function decideBy(rulesOf: RulesOf, caller: Caller, request: EgressRequest, key: string): EgressDecision {
  const decision = rulesOf(caller)?.decide(request);
  if (decision === undefined) {
    return {
      outcome: "deny",
      reason: "not_allowed",
      detail: "the profile gives this caller no way out",
      key,
    };
  }
  return decision.outcome === "deny" && decision.rule === undefined ? { ...decision, key } : decision;
}
