import type { AgentId, SessionId } from "@claws/contracts";
import type { RateCounter } from "./decide-limits.ts";

/**
 * Names of rate-limiter's keys. One hash tag for all, so that Redis Cluster keeps what one admission
 * touches on one node. Names of days and reservations are also built inside the scripts.
 */
export const LIMIT_KEYS = {
  /** Ids of unsettled reservations, by the end of their lease. */
  leases: "{limits}:leases",
  reservation: (id: string) => `{limits}:reservation:${id}`,
  session: (agent: AgentId, session: SessionId) => `{limits}:session:${agent}:${session}`,
  rate: (counter: RateCounter) =>
    counter.of === "agent"
      ? `{limits}:rate:agent:${counter.agent}`
      : `{limits}:rate:tool:${counter.agent}:${counter.match}`,
} as const;
