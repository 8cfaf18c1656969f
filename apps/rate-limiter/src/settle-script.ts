import { defineScript } from "@claws/redis-kit";
import { SWEEP_LUA } from "./sweep-lua.ts";

const SETTLED_STATES = ["committed", "released", "late", "repeated"] as const;
export type SettleReply = (typeof SETTLED_STATES)[number] | "unknown";

/**
 * Ends a reservation. Within the lease the estimate gives way to what was spent; after it, the estimate
 * was charged and only the difference is booked. The first settlement counts.
 *
 * KEYS: reservation, leases. ARGV: id, outcome, actual micro-USD.
 */
export const settleScript = defineScript<SettleReply>({
  name: "settle",
  lua: `${SWEEP_LUA}
local REMEMBER_SETTLED_MS = 3600000

local record, leases = KEYS[1], KEYS[2]
local id, outcome = ARGV[1], ARGV[2]
local actual = outcome == "commit" and tonumber(ARGV[3]) or 0

sweep(leases)

local held = redis.call("HMGET", record, "state", "estimate", "session", "day")
local state, estimate, session, day = held[1], tonumber(held[2] or 0), held[3], held[4]
if not state or state == "refused" then return "unknown" end

local ended
if state == "held" then
  book(session, 0 - estimate, actual)
  book(day, 0 - estimate, actual)
  redis.call("ZREM", leases, id)
  ended = outcome == "commit" and "committed" or "released"
elseif state == "expired" then
  book(session, 0, actual - estimate)
  book(day, 0, actual - estimate)
  ended = "late"
else
  return "repeated"
end
redis.call("HSET", record, "state", ended)
redis.call("PEXPIRE", record, REMEMBER_SETTLED_MS)
return ended
`,
  readReply(reply) {
    const state = SETTLED_STATES.find((state) => state === reply);
    if (state !== undefined) return state;
    if (reply === "unknown") return reply;
    throw new Error("settle gave an unknown reply");
  },
});
