/**
 * Shared beginning of the scripts of egress. The bytes of a session are one hash: `up` and `down` of all, and the same
 * of each host (`up@example.org`). Fields are never removed, so a host stays where it was counted first; a session that
 * asked for very many hosts counts the later ones together (`@*`), since memory that an agent can fill is a way to stop
 * everything.
 */
export const EGRESS_BYTES_LUA = `
local REMEMBER_MS = 600000
local KEEP_BYTES_MS = 7 * 86400000
local MAX_HOSTS = 10000

local function field_of(direction, host) return direction .. "@" .. host end

local function used_bytes(bytes, field)
  return tonumber(redis.call("HGET", bytes, field) or 0)
end

-- Where a host is counted: as itself if it is known.
local function known_as(bytes, host)
  if redis.call("HEXISTS", bytes, field_of("up", host)) == 1 then return host end
  return "*"
end

-- The same, and a host that is not known yet becomes known while there is room.
local function claim_host(bytes, host)
  if known_as(bytes, host) == host then return host end
  if redis.call("HLEN", bytes) >= 2 * MAX_HOSTS then return "*" end
  redis.call("HSET", bytes, field_of("up", host), 0, field_of("down", host), 0)
  return host
end
`;
