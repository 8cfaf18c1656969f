import type { Server } from "node:http";
import type { Logger } from "@claws/service-kit";
import { createAgentListener } from "./agent-listener.ts";
import { type ConnectionCount, type Connections, createConnections } from "./connections.ts";
import { createAgentDoor } from "./doors.ts";
import type { EgressMetrics } from "./egress-metrics.ts";
import type { EgressRecords } from "./egress-records.ts";
import { enforcePolicy } from "./enforce-policy.ts";
import { createForward } from "./forward.ts";
import { createInnerHttp } from "./inner-http.ts";
import type { Inspect } from "./inspect/inspect-tunnel.ts";
import { createInspectedSide } from "./inspected-side.ts";
import { UNKNOWN_CALLER } from "./identify.ts";
import type { Outside } from "./judge.ts";
import type { LivePolicy } from "./live-policy.ts";
import {
  type AskPerson,
  createPipeline,
  type Identify,
  type IdentityVerdict,
  type Precondition,
  type Standing,
} from "./pipeline.ts";
import type { Quotas } from "./quota/connection-quota.ts";
import type { RelayLimits } from "./relay.ts";
import { createTunnel } from "./tunnel.ts";
import { createUpstreamPools } from "./upstream-pools.ts";
import { createWebSocketCarrier } from "./websocket.ts";

export interface AgentsSideParts {
  readonly policy: LivePolicy;
  readonly identify: Identify;
  readonly precondition: Precondition;
  readonly ask: AskPerson;
  readonly outside: Outside;
  readonly quotas: Quotas;
  readonly records: EgressRecords;
  readonly metrics: EgressMetrics;
  readonly logger: Logger;
  /** Shared by all workers, so that the limit is one. */
  readonly count?: ConnectionCount;
  readonly inspect: Inspect;
}

export interface AgentsSide {
  /** A listener of its own for each network: the agents', and one for every MCP server with a grant. */
  createListener(who: "agent" | "server"): Server;
  readonly connections: Connections<Standing>;
  close(): void;
}

/** Everything behind the agents' listeners; each worker has one. */
export function createAgentsSide(parts: AgentsSideParts): AgentsSide {
  const { policy, logger, metrics, quotas, records, outside } = parts;
  const door = createAgentDoor(policy);
  const connections = createConnections<Standing>(
    () => policy.current().egress.quotas.connections,
    parts.count,
  );
  const limits = () => readLimits(policy);
  const pools = createUpstreamPools(outside.dial, () => limits().idleMs);
  const admit = createPipeline({ ...parts, door, connections, quotas, records, metrics, outside });
  const forward = createForward(pools, () => limits().totalMs);
  const carryWebSocket = createWebSocketCarrier(outside.dial, limits);
  const takeInspected = createInspectedSide({
    admit,
    dial: outside.dial,
    inspect: parts.inspect,
    limits,
    records,
  });
  const takePlainHttp = createInnerHttp({ admit, forward, carryWebSocket, logger });
  const openTunnel = createTunnel({
    dial: outside.dial,
    limits,
    takePlainHttp,
    takeInspected,
  });

  policy.onChange(() => {
    const ended = enforcePolicy(connections, door);
    pools.close();
    if (ended > 0) logger.info({ ended }, "the changed policy ended connections");
  });

  return {
    connections,
    createListener: (who) =>
      createAgentListener(
        { identify: onlyOf(who, parts.identify), admit, openTunnel, forward, carryWebSocket, logger },
        MAX_CONNECTIONS[who],
      ),
    close() {
      connections.closeAll();
      pools.close();
    },
  };
}

/** Sockets that one listener takes at once; quotas count what goes out, and this what only comes. */
const MAX_CONNECTIONS = { agent: 1_024, server: 128 } as const;

/** A server's credentials are good on its own network alone, and an agent's on the agents'. */
function onlyOf(kind: "agent" | "server", identify: Identify): Identify {
  const judge = (verdict: IdentityVerdict): IdentityVerdict =>
    verdict.ok && verdict.caller.kind !== kind ? UNKNOWN_CALLER : verdict;
  return (request) => {
    const verdict = identify(request);
    return verdict instanceof Promise ? verdict.then(judge) : judge(verdict);
  };
}

export function readLimits(policy: Pick<LivePolicy, "current">): RelayLimits {
  const { idleSeconds, totalSeconds } = policy.current().egress.quotas;
  return { idleMs: idleSeconds * 1_000, totalMs: totalSeconds * 1_000 };
}
