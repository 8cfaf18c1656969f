import * as z from "zod";
import { AgentId, CallDigest, ServerName, SessionId, Sha256Hex, ToolName } from "./identifiers.ts";

export const JsonValue = z.json();
export type JsonValue = z.infer<typeof JsonValue>;

/**
 * One tool call, decided once and executed once. Its canonical JSON (RFC 8785) hashes to the digest;
 * every gate reads this object and what is sent upstream is serialised from it.
 */
export const FrozenCall = z.strictObject({
  agent: AgentId,
  session: SessionId,
  profile: z.string(),
  server: ServerName,
  imageDigest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  toolDefinitionHash: Sha256Hex,
  tool: ToolName,
  arguments: z.record(z.string(), JsonValue),
  policyHash: Sha256Hex,
});
export type FrozenCall = Readonly<z.infer<typeof FrozenCall>>;

/** A frozen call with the digest that the freezing step computed over it. */
export const DigestedCall = z.strictObject({ call: FrozenCall, digest: CallDigest });
export type DigestedCall = Readonly<z.infer<typeof DigestedCall>>;

/** LOW runs and is logged, MEDIUM also notifies, HIGH waits for one person, CRITICAL for two. */
export const Risk = z.enum(["LOW", "MEDIUM", "HIGH", "CRITICAL"]);
export type Risk = z.infer<typeof Risk>;
