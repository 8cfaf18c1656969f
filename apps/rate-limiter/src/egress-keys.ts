import type { EgressCaller } from "@claws/contracts";

/**
 * Names of the keys that count what goes out. They have the hash tag of all of rate-limiter's keys, which its ACL user
 * is confined to, so that Redis Cluster keeps what one take touches on one node.
 */
export const EGRESS_KEYS = {
  take: (id: string) => `{limits}:egress:take:${id}`,
  giveBack: (id: string) => `{limits}:egress:return:${id}`,
  /** Over all sessions of a caller. The script keeps the sum of the log in the same name with `:sum`. */
  rate: (caller: EgressCaller) => `{limits}:egress:rate:${nameOf(caller)}`,
  bytes: (caller: EgressCaller) => `{limits}:egress:bytes:${nameOf(caller)}:${caller.session}`,
} as const;

function nameOf(caller: EgressCaller): string {
  return caller.kind === "agent" ? `agent:${caller.agent}` : `server:${caller.server}`;
}
