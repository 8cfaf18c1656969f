import { defineScript, type ScriptReply } from "@claws/redis-kit";
import { APPROVAL_LUA } from "./approval-lua.ts";
import { readStoredApproval, type StoredApproval } from "./stored-approval.ts";

/** Why the state machine refuses a step. */
const REASONS = [
  "not_found",
  "digest",
  "policy",
  "pending",
  "decided",
  "denied",
  "expired",
  "consumed",
  "same_operator",
  "too_early",
  "not_consumed",
] as const;
export type RefusalReason = (typeof REASONS)[number];

export type Transition =
  | { readonly outcome: "ok"; readonly stored: StoredApproval }
  | { readonly outcome: "refused"; readonly reason: RefusalReason; readonly waitMs: number };

function readTransition(reply: ScriptReply): Transition {
  const [outcome, second, waitMs] = Array.isArray(reply) ? (reply as readonly ScriptReply[]) : [];
  if (outcome === "ok" && second !== undefined) return { outcome, stored: readStoredApproval(second) };
  const reason = REASONS.find((reason) => reason === second);
  if (outcome === "refused" && reason !== undefined && typeof waitMs === "number") {
    return { outcome, reason, waitMs };
  }
  throw new Error("a transition gave an unknown reply");
}

/**
 * Opens an approval, or finds the open one of the same digest.
 * KEYS: record. ARGV: id, digest, policy hash, call, risk, rule, reservation, needed, lifetime ms.
 */
export const createScript = defineScript({
  name: "create",
  lua: `${APPROVAL_LUA}
local MAX_LISTED = 1000
local id, digest = ARGV[1], ARGV[2]
local open = redis.call("GET", open_key(digest))
if open then
  local held = load(open)
  if held and OPEN[held.state] then return found(open) end
end
local lifetime = tonumber(ARGV[9])
redis.call("HSET", KEYS[1], "id", id, "state", "pending", "digest", digest, "policyHash", ARGV[3],
  "call", ARGV[4], "risk", ARGV[5], "rule", ARGV[6], "reservation", ARGV[7], "needed", ARGV[8],
  "createdAt", now, "expiresAt", now + lifetime, "approvals", "[]")
redis.call("PEXPIRE", KEYS[1], lifetime + KEEP_MS)
redis.call("SET", open_key(digest), id, "PX", lifetime)
redis.call("ZADD", WAITING, now + lifetime, id)
redis.call("ZADD", NEWEST, now, id)
redis.call("ZREMRANGEBYRANK", NEWEST, 0, -1 - MAX_LISTED)
announce(id, "pending")
return found(id)
`,
  readReply: readTransition,
});

/**
 * A person's decision; with mode `check` only says whether it would be taken.
 * KEYS: record. ARGV: mode, id, digest, decision, operator, seal, reason, minimum age ms.
 */
export const decideScript = defineScript({
  name: "decide",
  lua: `${APPROVAL_LUA}
local mode, id, digest, decision, operator = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local held = load(id)
if not held then return refuse("not_found") end
if held.digest ~= digest then return refuse("digest") end
if held.state == "expired" then return refuse("expired") end
if held.state ~= "pending" then return refuse("decided") end

if decision == "deny" then
  if mode == "act" then
    redis.call("HSET", KEYS[1], "deniedBy", operator)
    if ARGV[7] ~= "" then redis.call("HSET", KEYS[1], "reason", ARGV[7]) end
    enter(id, digest, "denied")
  end
  return found(id)
end
if decision ~= "approve" then return redis.error_reply("ERR unknown decision") end

if held.risk == "CRITICAL" and held.needed == 1 then
  local missing = held.createdAt + tonumber(ARGV[8]) - now
  if missing > 0 then return refuse("too_early", missing) end
end
local votes = cjson.decode(held.approvals)
for _, vote in ipairs(votes) do
  if vote.operator == operator then return refuse("same_operator") end
end
if mode == "act" then
  table.insert(votes, { operator = operator, seal = ARGV[6] })
  redis.call("HSET", KEYS[1], "approvals", cjson.encode(votes))
  if ARGV[7] ~= "" then redis.call("HSET", KEYS[1], "reason", ARGV[7]) end
  enter(id, digest, #votes >= held.needed and "approved" or "pending")
end
return found(id)
`,
  readReply: readTransition,
});

/**
 * approved → consumed, once. A wrong digest or policy refuses and leaves the approval as it was.
 * KEYS: record. ARGV: mode, id, digest, policy hash.
 */
export const consumeScript = defineScript({
  name: "consume",
  lua: `${APPROVAL_LUA}
local mode, id = ARGV[1], ARGV[2]
local held = load(id)
if not held then return refuse("not_found") end
if held.digest ~= ARGV[3] then return refuse("digest") end
if held.policyHash ~= ARGV[4] then return refuse("policy") end
if held.state == "pending" or held.state == "denied" or held.state == "expired" then return refuse(held.state) end
if held.state ~= "approved" then return refuse("consumed") end
if mode == "act" then enter(id, held.digest, "consumed") end
return found(id)
`,
  readReply: readTransition,
});

/**
 * consumed → executed | failed | indeterminate. The same outcome again is no error.
 * KEYS: record. ARGV: mode, id, outcome.
 */
export const settleScript = defineScript({
  name: "settle",
  lua: `${APPROVAL_LUA}
local OUTCOMES = { executed = true, failed = true, indeterminate = true }
local mode, id, outcome = ARGV[1], ARGV[2], ARGV[3]
if not OUTCOMES[outcome] then return redis.error_reply("ERR unknown outcome") end
local held = load(id)
if not held then return refuse("not_found") end
if held.state == outcome then return found(id) end
if held.state ~= "consumed" then return refuse("not_consumed") end
if mode == "act" then enter(id, held.digest, outcome) end
return found(id)
`,
  readReply: readTransition,
});
