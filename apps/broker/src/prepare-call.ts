import type { AgentIdentity } from "@claws/agent-token";
import type { CompiledPolicy, JsonValue, ToolName } from "@claws/contracts";
import { decideToolScope, readToolTerms } from "@claws/policy";
import { ProblemError } from "@claws/service-kit";
import type { PreparedCall } from "./gate.ts";
import { freezeCall } from "./parse/freeze-call.ts";
import type { ServerConnection } from "./upstream/server-connection.ts";
import type { ToolCatalogue } from "./upstream/tool-catalogue.ts";

export interface CallToPrepare {
  readonly identity: AgentIdentity;
  readonly tool: ToolName;
  readonly arguments: Readonly<Record<string, JsonValue>>;
}

export type PrepareCall = (
  call: CallToPrepare,
) => Promise<{ prepared: PreparedCall; connection: ServerConnection }>;

/**
 * Freezes a call together with everything its digest stands for. A tool out of scope is refused before
 * any server is asked, so a refusal does not tell which tools exist.
 */
export function createPrepareCall(policy: CompiledPolicy, catalogue: ToolCatalogue): PrepareCall {
  return async ({ identity: { agent, session }, tool, arguments: values }) => {
    const scope = decideToolScope(policy, agent, tool);
    if (!scope.allowed) {
      throw ProblemError.of(scope.code, {
        service: "broker",
        detail: `${tool}: ${scope.reason}`,
        key: scope.key,
      });
    }
    const found = await catalogue.find(agent, tool);
    if (found === undefined) {
      throw ProblemError.of("tool_unknown", {
        service: "broker",
        detail: `${tool}: no server of profile ${policy.profile} offers it`,
      });
    }
    const { call, digest } = freezeCall({
      agent,
      session,
      profile: policy.profile,
      server: found.server,
      imageDigest: found.imageDigest,
      toolDefinitionHash: found.definition.hash,
      tool,
      arguments: { ...values },
      policyHash: policy.hash,
    });
    const prepared = { call, digest, definition: found.definition, terms: readToolTerms(policy, tool) };
    return { prepared, connection: found.connection };
  };
}
