import { defineScript, type ScriptReply } from "@claws/redis-kit";
import { SWEEP_LUA } from "./sweep-lua.ts";

export type AdmitReply =
  | { readonly outcome: "admitted"; readonly leaseUntil: number }
  | {
      readonly outcome: "refused";
      readonly scope: string;
      readonly key: string;
      readonly limit: number;
      readonly used: number;
      readonly retryAfterMs: number | null;
    }
  | { readonly outcome: "conflict" };

/**
 * One admission, all or nothing: every limit is checked before anything is counted.
 *
 * KEYS: reservation, leases, session, then one sorted set per rate.
 * ARGV: id, fingerprint, estimate, lease ms, window ms, session key and limit, day key and limit, then
 * scope, key and limit of each rate.
 */
export const admitScript = defineScript<AdmitReply>({
  name: "admit",
  lua: `${SWEEP_LUA}
local REMEMBER_REFUSED_MS = 60000
local KEEP_SESSION_MS = 30 * DAY_MS
local KEEP_DAY_MS = 3 * DAY_MS

local record, leases, session = KEYS[1], KEYS[2], KEYS[3]
local id, fingerprint = ARGV[1], ARGV[2]
local estimate, lease_ms, window_us = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] * 1000
local day_number = math.floor(now_ms / DAY_MS)
local day = day_key(day_number)

sweep(leases)

local known = redis.call("HMGET", record, "fingerprint", "state", "leaseUntil", "scope", "key", "limit", "used", "retry")
if known[1] then
  if known[1] ~= fingerprint then return {"conflict"} end
  if known[2] ~= "refused" then return {"admitted", tonumber(known[3])} end
  return {"refused", known[4], known[5], tonumber(known[6]), tonumber(known[7]), tonumber(known[8])}
end

local function refuse(scope, key, limit, used, retry)
  redis.call("HSET", record, "fingerprint", fingerprint, "state", "refused",
    "scope", scope, "key", key, "limit", limit, "used", used, "retry", retry)
  redis.call("PEXPIRE", record, REMEMBER_REFUSED_MS)
  return {"refused", scope, key, limit, used, retry}
end

-- Exact sliding log: one entry per admitted call of the last window.
for i = 4, #KEYS do
  local at = 10 + (i - 4) * 3
  local limit = tonumber(ARGV[at + 2])
  redis.call("ZREMRANGEBYSCORE", KEYS[i], "-inf", now_us - window_us)
  local used = redis.call("ZCARD", KEYS[i])
  if used >= limit then
    -- The entry whose leaving brings the count below the limit, which may have been lowered since.
    local entry = redis.call("ZRANGE", KEYS[i], used - limit, used - limit, "WITHSCORES")
    local retry = math.ceil((entry[2] + window_us - now_us) / 1000)
    return refuse(ARGV[at], ARGV[at + 1], limit, used, retry)
  end
end

local session_limit, day_limit = tonumber(ARGV[7]), tonumber(ARGV[9])
local committed, reserved = spent(session)
if committed + reserved + estimate > session_limit then
  return refuse("session", ARGV[6], session_limit, committed + reserved, -1)
end
committed, reserved = spent(day)
if committed + reserved + estimate > day_limit then
  local retry = -1
  if estimate <= day_limit then retry = (day_number + 1) * DAY_MS - now_ms end
  return refuse("day", ARGV[8], day_limit, committed + reserved, retry)
end

for i = 4, #KEYS do
  redis.call("ZADD", KEYS[i], now_us, id)
  redis.call("PEXPIRE", KEYS[i], math.ceil(window_us / 1000))
end
book(session, estimate, 0)
redis.call("PEXPIRE", session, KEEP_SESSION_MS)
book(day, estimate, 0)
redis.call("PEXPIRE", day, KEEP_DAY_MS)
local lease_until = now_ms + lease_ms
redis.call("HSET", record, "fingerprint", fingerprint, "state", "held", "leaseUntil", lease_until,
  "estimate", estimate, "session", session, "day", day)
redis.call("ZADD", leases, lease_until, id)
return {"admitted", lease_until}
`,
  readReply,
});

function readReply(reply: ScriptReply): AdmitReply {
  if (!Array.isArray(reply)) throw new Error("admit gave no list");
  const [outcome, ...rest] = reply as readonly ScriptReply[];
  if (outcome === "conflict") return { outcome };
  if (outcome === "admitted" && typeof rest[0] === "number") return { outcome, leaseUntil: rest[0] };
  const [scope, key, limit, used, retry] = rest;
  if (
    outcome === "refused" &&
    typeof scope === "string" &&
    typeof key === "string" &&
    typeof limit === "number" &&
    typeof used === "number" &&
    typeof retry === "number"
  ) {
    return { outcome, scope, key, limit, used, retryAfterMs: retry < 0 ? null : retry };
  }
  throw new Error("admit gave an unknown reply");
}
