import * as z from "zod";
import { FrozenCall, Risk } from "./call.ts";
import { CallDigest, EpochMs, RecordId, Sha256Hex } from "./identifiers.ts";

/**
 * pending → approved | denied | expired; approved → consumed | expired;
 * consumed → executed | failed | indeterminate. Nothing leads back.
 */
export const ApprovalState = z.enum([
  "pending",
  "approved",
  "denied",
  "expired",
  "consumed",
  "executed",
  "failed",
  "indeterminate",
]);
export type ApprovalState = z.infer<typeof ApprovalState>;

/** Hold this call until a person decides. Idempotent: an open approval of the same digest is returned. */
export const ApprovalRequest = z.strictObject({
  call: FrozenCall,
  digest: CallDigest,
  risk: Risk,
  /** The policy rule that asks for a person. */
  rule: z.string(),
  /** The reservation in rate-limiter that waits with the call. */
  reservation: RecordId,
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

export const Approval = z.strictObject({
  id: RecordId,
  kind: z.literal("tool"),
  state: ApprovalState,
  digest: CallDigest,
  call: FrozenCall,
  risk: Risk,
  rule: z.string(),
  reservation: RecordId,
  createdAt: EpochMs,
  expiresAt: EpochMs,
  /** How many people must approve, and who has. */
  approvalsNeeded: z.int().min(1).max(2),
  approvedBy: z.array(z.string()),
  deniedBy: z.string().optional(),
  reason: z.string().optional(),
});
export type Approval = z.infer<typeof Approval>;

/** What the broker needs to resume a held call without reading the rest. */
export const ApprovalStatus = Approval.pick({
  id: true,
  state: true,
  digest: true,
  expiresAt: true,
  reservation: true,
  reason: true,
});
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

/** A person's decision; the digest is the one that was on the screen. */
export const Decision = z.strictObject({
  decision: z.enum(["approve", "deny"]),
  digest: CallDigest,
  reason: z.string().max(500).optional(),
});
export type Decision = z.infer<typeof Decision>;

export const ConsumeRequest = z.strictObject({ digest: CallDigest, policyHash: Sha256Hex });
export type ConsumeRequest = z.infer<typeof ConsumeRequest>;

/** The stored call and an Ed25519-signed receipt (compact JWS) for its one execution. */
export const ConsumedApproval = z.strictObject({ call: FrozenCall, receipt: z.string() });
export type ConsumedApproval = z.infer<typeof ConsumedApproval>;

/** Claims of a receipt. `jti` is the approval's id: the broker's ledger accepts each once. */
export const ReceiptClaims = z.looseObject({
  iss: z.literal("approval-gateway"),
  aud: z.literal("broker"),
  jti: RecordId,
  digest: CallDigest,
  policyHash: Sha256Hex,
  approvedBy: z.array(z.string()).min(1),
  exp: z.int(),
});
export type ReceiptClaims = z.infer<typeof ReceiptClaims>;

export const ApprovalOutcome = z.strictObject({ status: z.enum(["executed", "failed", "indeterminate"]) });
export type ApprovalOutcome = z.infer<typeof ApprovalOutcome>;
