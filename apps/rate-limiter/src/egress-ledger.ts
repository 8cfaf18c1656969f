import type { EgressGrant, EgressQuotas, EgressReturn, EgressTake } from "@claws/contracts";
import type { Redis } from "ioredis";
import { EGRESS_KEYS } from "./egress-keys.ts";
import { egressReturnScript } from "./egress-return-script.ts";
import { egressTakeScript } from "./egress-take-script.ts";

/** Where the shares of egress are counted. Each method is one atomic step. */
export interface EgressLedger {
  /** Undefined when the id already belongs to another take. */
  take(asked: EgressTake, quotas: EgressQuotas): Promise<EgressGrant | undefined>;
  /** False when the id already belongs to another return. */
  giveBack(back: EgressReturn): Promise<boolean>;
}

/** Counters in Redis: what is taken counts as used until it is given back, so nothing that is lost is free. */
export function createEgressLedger(redis: Redis, { windowMs = 60_000 } = {}): EgressLedger {
  return {
    async take({ id, caller, host, requests, upBytes, downBytes }, quotas) {
      const reply = await egressTakeScript.run(
        redis,
        [EGRESS_KEYS.take(id), EGRESS_KEYS.rate(caller), EGRESS_KEYS.bytes(caller)],
        [
          JSON.stringify([caller, host, requests, upBytes, downBytes]),
          id,
          host,
          requests,
          upBytes,
          downBytes,
          windowMs,
          "egress.quotas.requestsPerMinute",
          quotas.requestsPerMinute,
          "egress.quotas.uploadMbPerSession",
          quotas.uploadBytesPerSession,
          "egress.quotas.uploadMbPerHost",
          quotas.uploadBytesPerHost,
          "egress.quotas.downloadMbPerSession",
          quotas.downloadBytesPerSession,
          "egress.quotas.downloadMbPerHost",
          quotas.downloadBytesPerHost,
        ],
      );
      if (reply.outcome === "conflict") return undefined;
      const { outcome: _granted, refused, ...granted } = reply;
      return { ...granted, refused: [...refused] };
    },

    async giveBack({ id, caller, host, upBytes, downBytes }) {
      const state = await egressReturnScript.run(
        redis,
        [EGRESS_KEYS.giveBack(id), EGRESS_KEYS.bytes(caller)],
        [JSON.stringify([caller, host, upBytes, downBytes]), host, upBytes, downBytes],
      );
      return state !== "conflict";
    },
  };
}
