import type { AgentId, CompiledPolicy } from "@claws/contracts";
import { decideToolScope, readToolTerms } from "@claws/policy";
import type { Tool } from "@modelcontextprotocol/client";
import { needsApproval } from "./gates/needs-approval.ts";
import type { ToolCatalogue } from "./upstream/tool-catalogue.ts";

export type ListTools = (agent: AgentId) => Promise<Tool[]>;

/** The tools that this agent may call, by the very function that a call is judged with. */
export function createListTools(policy: CompiledPolicy, catalogue: ToolCatalogue): ListTools {
  return async (agent) => {
    // Asking the catalogue starts servers: not for an agent that may use none of them.
    if (!Object.hasOwn(policy.agents, agent)) return [];
    const definitions = await catalogue.list(agent);
    return definitions
      .filter(({ name }) => decideToolScope(policy, agent, name).allowed)
      .map(({ name, declared }) => {
        // A held call answers `pending`, which no server's output schema describes: clients would reject it.
        const { outputSchema, _meta, ...rest } = declared;
        const mayBeHeld = needsApproval(readToolTerms(policy, name).risk);
        return { ...rest, ...(outputSchema === undefined || mayBeHeld ? {} : { outputSchema }), name };
      });
  };
}
