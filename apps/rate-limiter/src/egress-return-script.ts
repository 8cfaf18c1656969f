import { defineScript } from "@claws/redis-kit";
import { EGRESS_BYTES_LUA } from "./egress-bytes-lua.ts";

const STATES = ["returned", "repeated", "conflict"] as const;
export type EgressReturnReply = (typeof STATES)[number];

/**
 * Takes back what was leased and not used. A counter that has less than that goes to zero and never below.
 *
 * KEYS: return, bytes. ARGV: fingerprint, host, up, down.
 */
export const egressReturnScript = defineScript<EgressReturnReply>({
  name: "egress-return",
  lua: `${EGRESS_BYTES_LUA}
local record, bytes = KEYS[1], KEYS[2]
local fingerprint = ARGV[1]

local known = redis.call("GET", record)
if known then return known == fingerprint and "repeated" or "conflict" end
redis.call("SET", record, fingerprint, "PX", REMEMBER_MS)

local host = known_as(bytes, ARGV[2])
local function take_back(field, amount)
  local less = math.min(amount, used_bytes(bytes, field))
  if less > 0 then redis.call("HINCRBY", bytes, field, 0 - less) end
end
for direction, amount in pairs({up = tonumber(ARGV[3]), down = tonumber(ARGV[4])}) do
  take_back(direction, amount)
  take_back(field_of(direction, host), amount)
end
redis.call("PEXPIRE", bytes, KEEP_BYTES_MS)
return "returned"
`,
  readReply(reply) {
    const state = STATES.find((state) => state === reply);
    if (state === undefined) throw new Error("egress-return gave an unknown reply");
    return state;
  },
});
