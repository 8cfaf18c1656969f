import { EgressGrant, EgressReturn, type EgressTake, EgressTake as EgressTakeSchema } from "@claws/contracts";

export interface ByteLimits {
  readonly requests: number;
  readonly upPerSession: number;
  readonly upPerHost: number;
  readonly downPerSession: number;
  readonly downPerHost: number;
}

const SMALLEST_SHARE = 65_536;
const NOBODY = { up: 0, down: 0 };

/** The contract of rate-limiter in memory, for one session: what its scripts do is tested beside them, in a real Redis. */
export function createMemoryLimiter(limits: ByteLimits) {
  const counted = new Map<string, { up: number; down: number }>();
  const grants = new Map<string, EgressGrant>();
  const returned = new Set<string>();
  const requests = { counted: 0 };
  const calls = { takes: 0, returns: 0 };
  const at = (host: string) => counted.get(host) ?? NOBODY;
  const sum = (direction: "up" | "down") =>
    [...counted.values()].reduce((total, entry) => total + entry[direction], 0);

  function grantBytes(
    asked: number,
    host: string,
    direction: "up" | "down",
    refused: EgressGrant["refused"],
  ) {
    if (asked === 0) return 0;
    const [inSession, atHost] =
      direction === "up"
        ? [limits.upPerSession, limits.upPerHost]
        : [limits.downPerSession, limits.downPerHost];
    const leftInSession = inSession - sum(direction);
    const leftAtHost = atHost - at(host)[direction];
    const left = Math.max(0, Math.min(leftInSession, leftAtHost));
    const granted = Math.min(asked, left, Math.max(SMALLEST_SHARE, Math.ceil(left / 8)));
    counted.set(host, { ...at(host), [direction]: at(host)[direction] + granted });
    if (granted < asked && granted === left) {
      const load = direction === "up" ? "upload" : "download";
      const [whose, limit] = leftAtHost <= leftInSession ? ["PerHost", atHost] : ["PerSession", inSession];
      const key = `egress.quotas.${load}Mb${whose}`;
      refused.push({ what: `${direction}Bytes`, key, limit, retryAfterMs: null });
    }
    return granted;
  }

  function take(asked: EgressTake): EgressGrant {
    calls.takes++;
    const known = grants.get(asked.id);
    if (known) return known;
    const refused: EgressGrant["refused"] = [];
    const granted = Math.min(asked.requests, limits.requests - requests.counted);
    requests.counted += granted;
    if (granted < asked.requests) {
      const key = "egress.quotas.requestsPerMinute";
      refused.push({ what: "requests", key, limit: limits.requests, retryAfterMs: 30_000 });
    }
    const grant = {
      requests: granted,
      upBytes: grantBytes(asked.upBytes, asked.host, "up", refused),
      downBytes: grantBytes(asked.downBytes, asked.host, "down", refused),
      refused,
    };
    grants.set(asked.id, grant);
    return grant;
  }

  function giveBack({ id, host, upBytes, downBytes }: EgressReturn): void {
    calls.returns++;
    if (returned.has(id)) return;
    returned.add(id);
    const { up, down } = at(host);
    if (up < upBytes || down < downBytes) throw new Error("more is given back than was taken");
    counted.set(host, { up: up - upBytes, down: down - downBytes });
  }

  return {
    calls,
    requests,
    counted: (host: string) => at(host),
    /** Answers as the service does; throws on what no caller of the contract sends. */
    answer(path: string, body: unknown): unknown {
      if (path === "/v1/egress/take") return EgressGrant.parse(take(EgressTakeSchema.parse(body)));
      if (path !== "/v1/egress/return") throw new Error(`there is no ${path}`);
      giveBack(EgressReturn.parse(body));
      return {};
    },
  };
}

export type MemoryLimiter = ReturnType<typeof createMemoryLimiter>;
