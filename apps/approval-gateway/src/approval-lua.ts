/**
 * Shared beginning of every script: Redis' clock, and the two functions that know the state machine's
 * shape. `load` is the only way to a record, so an approval past its time is `expired` wherever it is
 * looked at, swept or not. Terminal records are kept for seven days.
 *
 * One hash tag for all keys, so that Redis Cluster keeps one decision on one node.
 */
export const APPROVAL_LUA = `
local KEEP_MS = 7 * 86400000
local OPEN = { pending = true, approved = true }
local EVENTS, NEWEST, WAITING = "{approvals}:events", "{approvals}:newest", "{approvals}:waiting"
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function record_key(id) return "{approvals}:record:" .. id end
local function open_key(digest) return "{approvals}:open:" .. digest end

local function announce(id, state)
  redis.call("XADD", EVENTS, "MAXLEN", "~", 1000, "*", "id", id, "state", state)
end

local function enter(id, digest, state)
  local record = record_key(id)
  redis.call("HSET", record, "state", state)
  if not OPEN[state] then
    if redis.call("GET", open_key(digest)) == id then redis.call("DEL", open_key(digest)) end
    redis.call("ZREM", WAITING, id)
    redis.call("PEXPIRE", record, KEEP_MS)
  end
  announce(id, state)
end

local function load(id)
  local values = redis.call("HMGET", record_key(id),
    "state", "digest", "policyHash", "risk", "needed", "createdAt", "expiresAt", "approvals")
  if not values[1] then return nil end
  local held = {
    state = values[1], digest = values[2], policyHash = values[3], risk = values[4],
    needed = tonumber(values[5]), createdAt = tonumber(values[6]), expiresAt = tonumber(values[7]),
    approvals = values[8],
  }
  if OPEN[held.state] and now >= held.expiresAt then
    held.state = "expired"
    enter(id, held.digest, "expired")
  end
  return held
end

local function found(id) return {"ok", redis.call("HGETALL", record_key(id))} end
local function refuse(reason, wait) return {"refused", reason, wait or 0} end
`;
