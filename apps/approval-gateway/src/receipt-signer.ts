import type { Approval, ReceiptClaims } from "@claws/contracts";
import { importPKCS8, SignJWT } from "jose";

export type ReceiptSigner = (approval: Approval) => Promise<string>;

const LIFETIME_SECONDS = 60;

/** Signs the receipt for one execution (compact JWS, EdDSA). `privateKeyPem` is Ed25519 in PKCS #8. */
export async function createReceiptSigner(privateKeyPem: string): Promise<ReceiptSigner> {
  const key = await importPKCS8(privateKeyPem, "EdDSA");
  return ({ id, digest, call, approvedBy }) => {
    const now = Math.floor(Date.now() / 1_000);
    const claims: ReceiptClaims = {
      iss: "approval-gateway",
      aud: "broker",
      jti: id,
      digest,
      policyHash: call.policyHash,
      approvedBy,
      iat: now,
      exp: now + LIFETIME_SECONDS,
    };
    return new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", typ: "receipt+jwt" }).sign(key);
  };
}
