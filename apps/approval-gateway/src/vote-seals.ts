import { createHmac, createPrivateKey, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Approval } from "@claws/contracts";
import type { StoredApproval } from "./stored-approval.ts";

export interface VoteSeals {
  seal(approval: Approval, operator: string): string;
  /** Whether enough different people approved, by seals of ours. */
  isApproved(stored: StoredApproval): boolean;
}

/**
 * Seals every yes, so that writing `approved` into Redis approves nothing. The key is derived from the
 * receipt key: whoever cannot sign receipts cannot seal votes.
 */
export function createVoteSeals(receiptKeyPem: string): VoteSeals {
  const secret = createPrivateKey(receiptKeyPem).export({ type: "pkcs8", format: "der" });
  const key = Buffer.from(hkdfSync("sha256", secret, "", "sandbox-claws approval votes", 32));
  const seal = ({ id, digest, risk, rule, approvalsNeeded }: Approval, operator: string) =>
    createHmac("sha256", key)
      .update(JSON.stringify([id, digest, risk, rule, approvalsNeeded, operator]))
      .digest("base64url");
  return {
    seal,
    isApproved({ approval, votes }) {
      const people = votes
        .filter((vote) => isSame(vote.seal, seal(approval, vote.operator)))
        .map(({ operator }) => operator);
      return new Set(people).size >= approval.approvalsNeeded;
    },
  };
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
