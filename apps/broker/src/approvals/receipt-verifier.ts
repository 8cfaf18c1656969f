import {
  type CallDigest,
  type ConsumedApproval,
  createProblem,
  type Problem,
  ReceiptClaims,
  type Sha256Hex,
} from "@claws/contracts";
import { importSPKI, jwtVerify } from "jose";
import { digestOf } from "../parse/freeze-call.ts";

export interface ExpectedReceipt {
  readonly id: string;
  readonly digest: CallDigest;
  readonly policyHash: Sha256Hex;
}

/** Undefined when the receipt stands for exactly this call; else the problem. */
export type ReceiptVerifier = (
  consumed: ConsumedApproval,
  expected: ExpectedReceipt,
) => Promise<Problem | undefined>;

/** Verifies receipts (compact JWS, RFC 7515, Ed25519) against the one key that the broker pins. */
export async function createReceiptVerifier(publicKeyPem: string): Promise<ReceiptVerifier> {
  const key = await importSPKI(publicKeyPem, "EdDSA");
  const invalid = (detail: string) => createProblem("approval_invalid", { service: "broker", detail });
  return async ({ call, receipt }, expected) => {
    let payload: unknown;
    try {
      ({ payload } = await jwtVerify(receipt, key, {
        algorithms: ["EdDSA"],
        issuer: "approval-gateway",
        audience: "broker",
      }));
    } catch (error) {
      return invalid(`the receipt of approval ${expected.id} does not verify: ${(error as Error).message}`);
    }
    const claims = ReceiptClaims.safeParse(payload);
    if (!claims.success) return invalid(`the receipt of approval ${expected.id} lacks a claim`);
    const { jti, digest, policyHash } = claims.data;
    if (jti !== expected.id) return invalid("the receipt is for another approval");
    if (digest !== expected.digest) return invalid("the receipt is for another call");
    if (policyHash !== expected.policyHash) return invalid("the receipt was given under another policy");
    if (digestOf(call) !== expected.digest)
      return invalid("the stored call is not the one that was approved");
    return undefined;
  };
}
