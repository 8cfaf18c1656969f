/**
 * Shared beginning of every script: Redis' own clock, and the sweep. A reservation whose lease ended
 * unsettled is charged at its estimate, since its call may have been sent. At most 100 per run: whatever
 * waits longer is still counted as reserved, so the sum that limits is the same.
 *
 * Integers only: Lua numbers are doubles, exact to 2^53, and Redis formats them with 17 digits. Negate
 * with "0 - x": "-x" of zero is "-0", which HINCRBY does not take.
 */
export const SWEEP_LUA = `
local DAY_MS = 86400000
local REMEMBER_EXPIRED_MS = DAY_MS
local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]
local now_ms = math.floor(now_us / 1000)

local function reservation_key(id) return "{limits}:reservation:" .. id end
local function day_key(day) return "{limits}:day:" .. day end

local function book(spend, reserved, committed)
  redis.call("HINCRBY", spend, "reserved", reserved)
  redis.call("HINCRBY", spend, "committed", committed)
end

local function spent(spend)
  local values = redis.call("HMGET", spend, "committed", "reserved")
  return tonumber(values[1] or 0), tonumber(values[2] or 0)
end

local function sweep(leases)
  local ended = redis.call("ZRANGEBYSCORE", leases, "-inf", now_ms, "LIMIT", 0, 100)
  for _, id in ipairs(ended) do
    local record = reservation_key(id)
    local held = redis.call("HMGET", record, "estimate", "session", "day")
    if held[1] then
      local estimate = tonumber(held[1])
      book(held[2], 0 - estimate, estimate)
      book(held[3], 0 - estimate, estimate)
      redis.call("HSET", record, "state", "expired")
      redis.call("PEXPIRE", record, REMEMBER_EXPIRED_MS)
    end
    redis.call("ZREM", leases, id)
  end
end
`;
