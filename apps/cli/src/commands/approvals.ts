import type { Approval } from "@claws/contracts";
import { ClawsError } from "../claws-error.ts";
import { connectAsOperator } from "../operator-client.ts";
import type { Stack } from "../stack/stack.ts";

/** One approval in the least that a person needs to decide: what runs, exactly, and why it was held. */
export function describeApproval(approval: Approval): string {
  const { id, state, risk, rule, call, expiresAt } = approval;
  const until = new Date(expiresAt).toISOString();
  return [
    `${id}  ${state}  ${risk}  ${call.tool}  agent ${call.agent}  until ${until}  (asked by ${rule})`,
    JSON.stringify(call.arguments, null, 2),
  ].join("\n");
}

/** Decides the approval whose id starts with `prefix`; ambiguous and unknown ones are refused. */
export async function decideApproval(
  stack: Stack,
  prefix: string,
  decision: "approve" | "deny",
  reason?: string,
): Promise<Approval> {
  const operator = await connectAsOperator(stack);
  const matching = (await operator.listApprovals("open")).filter(({ id }) => id.startsWith(prefix));
  const [approval] = matching;
  if (approval === undefined)
    throw new ClawsError(`no open approval starts with ${prefix}: see ./claws approvals list`);
  if (matching.length > 1)
    throw new ClawsError(`${matching.length} open approvals start with ${prefix}: give more of the id`);
  return operator.decide(approval, decision, reason);
}
