import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { FrozenCall } from "@claws/contracts";
import { type JWTPayload, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { prepareTestCall } from "../testing/prepare-test-call.ts";
import { createReceiptVerifier } from "./receipt-verifier.ts";

const gateway = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const ID = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b10";
const OTHER_ID = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b11";
const OTHER_HASH = "9".repeat(64);
const { call, digest } = prepareTestCall();

interface Change {
  readonly claims?: JWTPayload;
  readonly without?: string;
  readonly key?: KeyObject;
  readonly algorithm?: string;
  readonly lifetimeSeconds?: number;
  readonly stored?: FrozenCall;
  readonly receipt?: string;
}

async function verify(change: Change = {}) {
  const now = Math.floor(Date.now() / 1_000);
  const claims: JWTPayload = {
    iss: "approval-gateway",
    aud: "broker",
    jti: ID,
    digest,
    policyHash: call.policyHash,
    approvedBy: ["owner"],
    iat: now,
    exp: now + (change.lifetimeSeconds ?? 60),
    ...change.claims,
  };
  if (change.without !== undefined) delete claims[change.without];
  const signed = await new SignJWT(claims)
    .setProtectedHeader({ alg: change.algorithm ?? "EdDSA" })
    .sign(change.key ?? gateway.privateKey);
  const verifyReceipt = await createReceiptVerifier(
    gateway.publicKey.export({ type: "spki", format: "pem" }).toString(),
  );
  const consumed = { call: change.stored ?? call, receipt: change.receipt ?? signed };
  return verifyReceipt(consumed, { id: ID, digest, policyHash: call.policyHash });
}

const unsigned = (payload: object) =>
  [{ alg: "none" }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");

describe("a receipt", () => {
  it("that stands for exactly this call is accepted", async () => {
    expect(await verify()).toBeUndefined();
  });

  it.each<[string, Change, string]>([
    ["another key signed it", { key: stranger.privateKey }, "does not verify"],
    ["a shared secret signed it", { algorithm: "HS256", key: sharedSecret() }, "does not verify"],
    ["nobody signed it", { receipt: `${unsigned({ jti: ID })}.` }, "does not verify"],
    ["it is no token at all", { receipt: "approved" }, "does not verify"],
    ["it has expired", { lifetimeSeconds: -1 }, "does not verify"],
    ["another service gave it", { claims: { iss: "dlp-scanner" } }, "does not verify"],
    ["it is for another door", { claims: { aud: "model-gateway" } }, "does not verify"],
    ["it never expires", { without: "exp" }, "lacks a claim"],
    ["nobody approved", { claims: { approvedBy: [] } }, "lacks a claim"],
    ["it does not say what was approved", { without: "digest" }, "lacks a claim"],
    ["it is for another approval", { claims: { jti: OTHER_ID } }, "for another approval"],
    ["it is for another call", { claims: { digest: OTHER_HASH } }, "for another call"],
    ["the policy changed since", { claims: { policyHash: OTHER_HASH } }, "under another policy"],
    [
      "the stored call was edited",
      { stored: { ...call, arguments: { to: "evil@forbidden.example" } } },
      "not the one that was approved",
    ],
    [
      "the stored call names another tool",
      { stored: { ...call, tool: "mail__echo" as FrozenCall["tool"] } },
      "not the one that was approved",
    ],
  ])("is refused when %s", async (_why, change, detail) => {
    expect(await verify(change)).toMatchObject({
      code: "approval_invalid",
      service: "broker",
      detail: expect.stringContaining(detail),
    });
  });

  it("is refused when one character of it was changed", async () => {
    const parts = (await signedReceipt()).split(".");
    const payload = Buffer.from(parts[1] ?? "", "base64url")
      .toString()
      .replace("owner", "0wner");
    parts[1] = Buffer.from(payload).toString("base64url");
    expect(await verify({ receipt: parts.join(".") })).toMatchObject({ code: "approval_invalid" });
  });
});

function sharedSecret(): KeyObject {
  return createSecretKey(gateway.publicKey.export({ type: "spki", format: "der" }));
}

function signedReceipt(): Promise<string> {
  return new SignJWT({ jti: ID, digest, policyHash: call.policyHash, approvedBy: ["owner"] })
    .setProtectedHeader({ alg: "EdDSA" })
    .setIssuer("approval-gateway")
    .setAudience("broker")
    .setExpirationTime("1m")
    .sign(gateway.privateKey);
}
