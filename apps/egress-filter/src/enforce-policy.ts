import type { Connections } from "./connections.ts";
import type { Door } from "./doors.ts";
import type { Standing } from "./pipeline.ts";

/**
 * Puts what is open to the rules as they are now, and ends what they would not open any more, or would want to look
 * into and cannot.
 */
export function enforcePolicy(connections: Connections<Standing>, door: Door): number {
  let ended = 0;
  for (const connection of connections.open()) {
    const { caller, request, through, granted } = connection.what;
    const decision = door.decide(caller, request);
    const isGranted =
      decision.outcome !== "deny" && granted.every((range) => decision.addresses.includes(range));
    if (decision.outcome !== "deny" && decision.through === through && isGranted) continue;
    connection.end("policy_changed");
    ended++;
  }
  return ended;
}
