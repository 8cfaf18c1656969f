import { defineScript, type ScriptReply } from "@claws/redis-kit";
import { EGRESS_BYTES_LUA } from "./egress-bytes-lua.ts";

const KINDS = ["requests", "upBytes", "downBytes"] as const;

export type EgressTakeReply =
  | {
      readonly outcome: "granted";
      readonly requests: number;
      readonly upBytes: number;
      readonly downBytes: number;
      readonly refused: readonly {
        readonly what: (typeof KINDS)[number];
        readonly key: string;
        readonly limit: number;
        readonly retryAfterMs: number | null;
      }[];
    }
  | { readonly outcome: "conflict" };

/**
 * One take: of each kind as much as is asked for and left. The answer is remembered as it was given, so that the same
 * id is answered with the same grant and counts once.
 *
 * KEYS: take, rate, bytes.
 * ARGV: fingerprint, id, host, requests, up, down, window ms, then key and limit of: requests, up of the session,
 * up of the host, down of the session, down of the host.
 */
export const egressTakeScript = defineScript<EgressTakeReply>({
  name: "egress-take",
  lua: `${EGRESS_BYTES_LUA}
local SMALLEST_SHARE = 65536
local LARGEST_PART = 8

local record, rate, bytes = KEYS[1], KEYS[2], KEYS[3]
local fingerprint, id, host = ARGV[1], ARGV[2], ARGV[3]
local window_us = ARGV[7] * 1000

local known = redis.call("LINDEX", record, 0)
if known then
  if known ~= fingerprint then return {"conflict"} end
  return redis.call("LRANGE", record, 1, -1)
end

local refused = {}
local function refuse(what, key, limit, retry_ms)
  for _, value in ipairs({what, key, limit, retry_ms}) do refused[#refused + 1] = value end
end

-- Exact sliding log with one entry per take, of the form id:count; its sum stands beside it, so that no take adds up
-- the whole log. Both expire at the same moment.
local function grant_requests(asked, key, limit)
  if asked == 0 then return 0 end
  local time = redis.call("TIME")
  local now_us = time[1] * 1000000 + time[2]
  local sum = rate .. ":sum"
  local used = tonumber(redis.call("GET", sum) or 0)
  for _, entry in ipairs(redis.call("ZRANGEBYSCORE", rate, "-inf", now_us - window_us)) do
    used = used - tonumber(string.match(entry, ":(%d+)$"))
  end
  redis.call("ZREMRANGEBYSCORE", rate, "-inf", now_us - window_us)
  local granted = math.max(0, math.min(asked, limit - used))
  if granted > 0 then redis.call("ZADD", rate, now_us, id .. ":" .. granted) end
  used = used + granted
  local keep_ms = math.ceil(window_us / 1000)
  redis.call("SET", sum, used, "PX", keep_ms)
  redis.call("PEXPIRE", rate, keep_ms)
  if granted == asked then return granted end
  -- The entry whose leaving brings the count below the limit, which may have been lowered since.
  local from, retry_ms = 0, keep_ms
  while from >= 0 do
    local entries = redis.call("ZRANGE", rate, from, from + 49, "WITHSCORES")
    from = #entries == 100 and from + 50 or -1
    for i = 1, #entries, 2 do
      used = used - tonumber(string.match(entries[i], ":(%d+)$"))
      if used < limit then
        retry_ms = math.max(0, math.ceil((entries[i + 1] + window_us - now_us) / 1000))
        from = -1
        break
      end
    end
  end
  refuse("requests", key, limit, retry_ms)
  return granted
end

-- Near the limit nobody gets all that is left: several takers come close to it together, and what one of them holds
-- unused keeps the others away from little.
local function grant_bytes(asked, direction, what, session_key, session_limit, host_key, host_limit)
  if asked == 0 then return 0 end
  local left_in_session = math.max(0, session_limit - used_bytes(bytes, direction))
  local left_at_host = math.max(0, host_limit - used_bytes(bytes, field_of(direction, host)))
  local left = math.min(left_in_session, left_at_host)
  local share = math.max(SMALLEST_SHARE, math.ceil(left / LARGEST_PART))
  local granted = math.min(asked, left, share)
  redis.call("HINCRBY", bytes, direction, granted)
  redis.call("HINCRBY", bytes, field_of(direction, host), granted)
  if granted < asked and granted == left then
    if left_at_host <= left_in_session then refuse(what, host_key, host_limit, -1)
    else refuse(what, session_key, session_limit, -1) end
  end
  return granted
end

local requests = grant_requests(tonumber(ARGV[4]), ARGV[8], tonumber(ARGV[9]))
local up, down = tonumber(ARGV[5]), tonumber(ARGV[6])
if up + down > 0 then
  host = claim_host(bytes, host)
  up = grant_bytes(up, "up", "upBytes", ARGV[10], tonumber(ARGV[11]), ARGV[12], tonumber(ARGV[13]))
  down = grant_bytes(down, "down", "downBytes", ARGV[14], tonumber(ARGV[15]), ARGV[16], tonumber(ARGV[17]))
  redis.call("PEXPIRE", bytes, KEEP_BYTES_MS)
end
redis.call("RPUSH", record, fingerprint, requests, up, down, unpack(refused))
redis.call("PEXPIRE", record, REMEMBER_MS)
return redis.call("LRANGE", record, 1, -1)
`,
  readReply,
});

/** All strings, since Redis remembers the answer as such. */
function readReply(reply: ScriptReply): EgressTakeReply {
  if (!Array.isArray(reply)) throw new Error("egress-take gave no list");
  if (reply[0] === "conflict") return { outcome: "conflict" };
  const [requests, upBytes, downBytes, ...rest] = reply as readonly ScriptReply[];
  if (rest.length % 4 !== 0) throw new Error("egress-take gave half a refusal");
  return {
    outcome: "granted",
    requests: readInteger(requests),
    upBytes: readInteger(upBytes),
    downBytes: readInteger(downBytes),
    refused: Array.from({ length: rest.length / 4 }, (_, index) => {
      const [name, key, limit, retry] = rest.slice(index * 4, index * 4 + 4);
      const what = KINDS.find((kind) => kind === name);
      if (what === undefined || typeof key !== "string") throw new Error("egress-take refused nothing known");
      const retryAfterMs = readInteger(retry);
      return { what, key, limit: readInteger(limit), retryAfterMs: retryAfterMs < 0 ? null : retryAfterMs };
    }),
  };
}

function readInteger(value: ScriptReply | undefined): number {
  const read = typeof value === "string" && value !== "" ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(read)) throw new Error(`egress-take gave ${String(value)} for a number`);
  return read;
}
