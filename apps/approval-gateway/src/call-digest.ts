import { createHash } from "node:crypto";
import { CallDigest, type FrozenCall } from "@claws/contracts";
import canonicalize from "canonicalize";

/** A frozen call as the text that is stored, and the digest of exactly that text (RFC 8785, SHA-256). */
export function digestCall(call: FrozenCall): { readonly text: string; readonly digest: CallDigest } {
  const text = canonicalize(call);
  if (text === undefined) throw new TypeError("a frozen call always has a canonical form");
  return { text, digest: CallDigest.parse(createHash("sha256").update(text).digest("hex")) };
}
