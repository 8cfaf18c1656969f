import type { Approval } from "@claws/contracts";
import { toVisibleString } from "@claws/visible-text";
import { ClawsError } from "../claws-error.ts";
import { connectAsOperator } from "../operator-client.ts";
import type { Stack } from "../stack/stack.ts";

/**
 * One approval in the least that a person needs to decide: what runs, exactly, and why it was held. What a
 * terminal would hide or obey (controls, bidi, zero-width) is spelt out, as the console does.
 */
export function describeApproval(approval: Approval): string {
  const { id, state, risk, rule, call, expiresAt } = approval;
  const until = new Date(expiresAt).toISOString();
  const lines = [
    `${id}  ${state}  ${risk}  ${call.tool}  agent ${call.agent}  until ${until}  (asked by ${rule})`,
    JSON.stringify(call.arguments, null, 2),
  ];
  return lines.map(toVisibleString).join("\n");
}

/** Enough of an id that it means one approval, and not by chance the next one. */
const ID_PREFIX = /^[0-9a-f][0-9a-f-]{7,35}$/;

/** Decides the approval whose id starts with `prefix`; ambiguous and unknown ones are refused. */
export async function decideApproval(
  stack: Stack,
  prefix: string,
  decision: "approve" | "deny",
  reason?: string,
): Promise<Approval> {
  if (!ID_PREFIX.test(prefix)) {
    throw new ClawsError(
      `${JSON.stringify(prefix)} is not an approval's id: give at least its first 8 characters, as ./claws approvals list shows them`,
    );
  }
  const operator = await connectAsOperator(stack);
  const matching = (await operator.listApprovals("open")).filter(({ id }) => id.startsWith(prefix));
  const [approval] = matching;
  if (approval === undefined)
    throw new ClawsError(`no open approval starts with ${prefix}: see ./claws approvals list`);
  if (matching.length > 1)
    throw new ClawsError(`${matching.length} open approvals start with ${prefix}: give more of the id`);
  return operator.decide(approval, decision, reason);
}
