import { AgentId, ServerName } from "@claws/contracts";
import { type EgressExplanation, explainEgress, type RuleHolder } from "@claws/policy";
import { toVisibleString } from "@claws/visible-text";
import { ClawsError } from "../claws-error.ts";
import { checkProfile, readProfileName } from "../stack/preflight.ts";
import { type Stack, withProfile } from "../stack/stack.ts";

export interface ExplainFlags {
  readonly profile?: string;
  readonly method?: string;
  readonly agent?: string;
  readonly server?: string;
}

/** What a profile makes of a destination; the stack need not run, and nothing is sent or resolved. */
export function explainDestination(
  stack: Stack,
  destination: string,
  flags: ExplainFlags,
): Extract<EgressExplanation, { ok: true }> {
  const caller = readCaller(flags);
  const profile = readProfileName(flags.profile === undefined ? [] : [flags.profile]);
  const policy = checkProfile(withProfile(stack, profile), profile);
  const { method = "GET" } = flags;
  if (!/^[A-Za-z]{1,32}$/.test(method)) throw new ClawsError(`${JSON.stringify(method)} is not a method`);
  const explanation = explainEgress(policy, destination, { method, ...(caller && { caller }) });
  if (!explanation.ok) throw new ClawsError(explanation.reason);
  return explanation;
}

/** As a person reads it; what a terminal would obey is spelt out, since destinations are often pasted. */
export function describeExplanation({ lines }: Extract<EgressExplanation, { ok: true }>): string {
  return lines.map(toVisibleString).join("\n");
}

function readCaller({ agent, server }: ExplainFlags): RuleHolder | undefined {
  if (agent !== undefined && server !== undefined) throw new ClawsError("give --agent or --server, not both");
  if (server !== undefined) {
    const name = ServerName.safeParse(server);
    if (!name.success) throw new ClawsError(`${JSON.stringify(server)} is not the name of a server`);
    return { kind: "server", server: name.data };
  }
  if (agent === undefined) return undefined;
  const name = AgentId.safeParse(agent);
  if (!name.success) throw new ClawsError(`${JSON.stringify(agent)} is not the name of an agent`);
  return { kind: "agent", agent: name.data };
}
