import { Approval } from "@claws/contracts";
import type { ScriptReply } from "@claws/redis-kit";
import * as z from "zod";

/** One person's yes, with the seal that only this service can make. */
const SealedVote = z.strictObject({ operator: z.string(), seal: z.string() });
export type SealedVote = z.infer<typeof SealedVote>;

/** An approval as Redis holds it. Not trusted to be ours until its seals are checked. */
export interface StoredApproval {
  readonly approval: Approval;
  readonly votes: readonly SealedVote[];
}

const Record = z.object({
  id: z.string(),
  state: z.string(),
  digest: z.string(),
  call: z.string(),
  risk: z.string(),
  rule: z.string(),
  reservation: z.string(),
  createdAt: z.coerce.number(),
  expiresAt: z.coerce.number(),
  needed: z.coerce.number(),
  approvals: z.string(),
  deniedBy: z.string().optional(),
  reason: z.string().optional(),
});

/** Reads the flat field list that HGETALL gives inside a script; throws on what is no approval. */
export function readStoredApproval(fields: ScriptReply): StoredApproval {
  if (!Array.isArray(fields)) throw new Error("an approval is a list of fields");
  const list = fields as readonly ScriptReply[];
  const pairs = list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1]] as const] : []));
  const { call, needed, approvals, ...record } = Record.parse(Object.fromEntries(pairs));
  const votes = z.array(SealedVote).parse(JSON.parse(approvals));
  const approval = Approval.parse({
    ...record,
    kind: "tool",
    call: JSON.parse(call),
    approvalsNeeded: needed,
    approvedBy: votes.map(({ operator }) => operator),
  });
  return { approval, votes };
}
