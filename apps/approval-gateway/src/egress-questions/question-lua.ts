/**
 * Shared beginning of every script about questions: Redis' clock, and what knows the shape of a question's
 * life. `load` is the only way to a record, so a question past its time is `expired` wherever it is looked at.
 *
 * `standing` is an answer that goes on to hold for its caller and destination: a yes for the session, and for
 * a short while a no, so that asking again at once wears nobody down.
 */
export const QUESTION_LUA = `
local KEEP_MS = 7 * 86400000
local EVENTS = "{approvals}:events"
local NEWEST, WAITING, GRANTS =
  "{approvals}:egress:newest", "{approvals}:egress:waiting", "{approvals}:egress:grants"
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function record_key(id) return "{approvals}:egress:question:" .. id end
local function open_key(target) return "{approvals}:egress:open:" .. target end
local function standing_key(target) return "{approvals}:egress:standing:" .. target end
local function waiting_of(name) return "{approvals}:egress:waiting-of:" .. name end

local function enter(id, held, state)
  redis.call("HSET", record_key(id), "state", state)
  if state ~= "open" then
    if redis.call("GET", open_key(held.target)) == id then redis.call("DEL", open_key(held.target)) end
    redis.call("ZREM", WAITING, id)
    redis.call("ZREM", waiting_of(held.name), id)
    redis.call("PEXPIRE", record_key(id), KEEP_MS)
  end
  redis.call("XADD", EVENTS, "MAXLEN", "~", 1000, "*", "id", id, "state", state, "kind", "question")
end

local function load(id)
  local values = redis.call("HMGET", record_key(id), "state", "target", "name", "host", "port", "expiresAt")
  if not values[1] then return nil end
  local held = {
    state = values[1], target = values[2], name = values[3], host = values[4], port = values[5],
    expiresAt = tonumber(values[6]),
  }
  if held.state == "open" and now >= held.expiresAt then
    held.state = "expired"
    enter(id, held, "expired")
  end
  return held
end

local function found(id) return {"ok", redis.call("HGETALL", record_key(id))} end
local function refuse(reason) return {"refused", reason} end
`;
