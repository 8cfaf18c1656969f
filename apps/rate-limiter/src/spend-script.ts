import { defineScript } from "@claws/redis-kit";
import { SWEEP_LUA } from "./sweep-lua.ts";

/** Spend of one session after the sweep. KEYS: session, leases. */
export const spendScript = defineScript({
  name: "spend",
  lua: `${SWEEP_LUA}
sweep(KEYS[2])
local committed, reserved = spent(KEYS[1])
return {committed, reserved}
`,
  readReply(reply) {
    const [committed, reserved] = Array.isArray(reply) ? reply : [];
    if (typeof committed !== "number" || typeof reserved !== "number") {
      throw new Error("spend gave an unknown reply");
    }
    return { committed, reserved };
  },
});
