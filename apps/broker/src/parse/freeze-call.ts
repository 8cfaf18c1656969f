import { createHash } from "node:crypto";
import { CallDigest, type DigestedCall, type FrozenCall, Sha256Hex } from "@claws/contracts";
import canonicalize from "canonicalize";

/** SHA-256 of a value's canonical JSON (RFC 8785). */
export function digestOf(value: unknown): Sha256Hex {
  const canonical = canonicalize(value);
  if (canonical === undefined) throw new TypeError("only JSON values have a digest");
  return Sha256Hex.parse(createHash("sha256").update(canonical).digest("hex"));
}

/** Freezes a call deeply and computes its digest: what gates decide on and what is executed are one object. */
export function freezeCall(call: FrozenCall): DigestedCall {
  const copy = structuredClone(call);
  return Object.freeze({ call: deepFreeze(copy), digest: CallDigest.parse(digestOf(copy)) });
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
