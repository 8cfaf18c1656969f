import * as z from "zod";
import { AgentId, CallDigest, ServerName, SessionId, Sha256Hex, ToolName } from "./identifiers.ts";

export type JsonValue = z.util.JSONType;

const MAX_DEPTH = 512;
const NOT_JSON = `must be JSON, nested at most ${MAX_DEPTH} deep, without a key named __proto__`;

/**
 * Any JSON value, as it is. Zod's own `z.json()` and `z.record()` silently leave out the key `__proto__`:
 * a scanner would not see what stands under it, and the executed call would carry it. Here it is a mistake.
 */
export const JsonValue = z.custom<JsonValue>((value) => isJsonValue(value, 0), NOT_JSON);

/** A JSON object, under the same rule. */
export const JsonObject = z.custom<Record<string, JsonValue>>(
  (value) => isObject(value) && isJsonValue(value, 0),
  NOT_JSON,
);
export type JsonObject = z.infer<typeof JsonObject>;

function isObject(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** A loop is deeper than any limit, so it ends here too. */
function isJsonValue(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isJsonValue(item, depth + 1));
  if (!isObject(value) || Object.hasOwn(value as object, "__proto__")) return false;
  return Object.values(value as object).every((item) => isJsonValue(item, depth + 1));
}

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
  arguments: JsonObject,
  policyHash: Sha256Hex,
});
export type FrozenCall = Readonly<z.infer<typeof FrozenCall>>;

/** A frozen call with the digest that the freezing step computed over it. */
export const DigestedCall = z.strictObject({ call: FrozenCall, digest: CallDigest });
export type DigestedCall = Readonly<z.infer<typeof DigestedCall>>;

/** LOW runs and is logged, MEDIUM also notifies, HIGH waits for one person, CRITICAL for two. */
export const Risk = z.enum(["LOW", "MEDIUM", "HIGH", "CRITICAL"]);
export type Risk = z.infer<typeof Risk>;
