import { setTimeout as sleep } from "node:timers/promises";
import type { AgentId, ServerName } from "@claws/contracts";
import { type Logger, ProblemError } from "@claws/service-kit";
import { createNetworkSpec, toolNetworkName } from "./create-network-spec.ts";
import type { Engine, EngineNetwork } from "./engine.ts";
import { freeToolSubnets } from "./tool-subnets.ts";

/** A network that one agent's server shares with egress-filter alone. */
export interface ToolNetwork {
  readonly name: string;
  /** egress-filter's address there. */
  readonly filterAddress: string;
  /** Gives it back: with the last run of the server it is removed. Never rejects. */
  readonly leave: () => Promise<void>;
}

export interface ToolNetworks {
  join(agent: AgentId, server: ServerName): Promise<ToolNetwork>;
  /** Takes an egress-filter that was made anew into the networks of servers that run. Never rejects. */
  refresh(): Promise<void>;
  /** Removes what an earlier launcher left behind. */
  sweep(): Promise<void>;
}

export interface ToolNetworksOptions {
  readonly engine: Pick<
    Engine,
    | "connectNetwork"
    | "createNetwork"
    | "disconnectNetwork"
    | "listContainers"
    | "listNetworks"
    | "removeNetwork"
  >;
  readonly logger: Logger;
  readonly project: string;
  readonly pool: string;
}

/** The name that egress-filter has on every server's network. */
export const FILTER_ALIAS = "egress-filter";

/** The engine may know of ranges and bridges that its list of networks does not show. */
const CREATE_ATTEMPTS = 16;
const REMOVAL_ATTEMPTS = 3;

interface Open {
  readonly id: string;
  readonly filterAddress: string;
  /** The container that is in it as egress-filter. */
  filter: string;
  users: number;
}

export function createToolNetworks({ engine, logger, project, pool }: ToolNetworksOptions): ToolNetworks {
  const open = new Map<string, Open>();
  let tail: Promise<unknown> = Promise.resolve();

  /** One step after the other: two servers that start at once would choose the same addresses. */
  function inTurn<Value>(step: () => Promise<Value>): Promise<Value> {
    const turn = tail.then(step, step);
    tail = turn.catch(() => undefined);
    return turn;
  }

  async function findFilters(): Promise<readonly string[]> {
    return engine.listContainers([
      `com.docker.compose.project=${project}`,
      "com.docker.compose.service=egress-filter",
      "com.docker.compose.oneoff=False",
    ]);
  }

  async function connectFilter(network: string, address: string): Promise<string> {
    const [filter] = await findFilters();
    if (filter === undefined)
      throw unavailable(
        `project ${project} has no egress-filter, the only way out of an MCP server: run './claws up'`,
      );
    await engine.connectNetwork(network, filter, { address, alias: FILTER_ALIAS });
    return filter;
  }

  async function reconnect(): Promise<void> {
    const [filter] = open.size === 0 ? [] : await findFilters();
    if (filter === undefined) return;
    for (const [name, network] of open) {
      if (network.filter === filter) continue;
      network.filter = await connectFilter(network.id, network.filterAddress);
      logger.info({ network: name }, "took a new egress-filter into an MCP server's network");
    }
  }

  /** Undefined also for one that somebody else has removed. */
  async function findOpen(name: string): Promise<Open | undefined> {
    const known = open.get(name);
    if (known === undefined) return undefined;
    return (await engine.listNetworks()).some(({ id }) => id === known.id) ? known : undefined;
  }

  async function make(agent: AgentId, server: ServerName): Promise<Open> {
    const name = toolNetworkName(project, agent, server);
    const networks = await engine.listNetworks();
    const leftovers = networks.filter((network) => network.name === name && isOurs(network));
    for (const { id } of leftovers) await dismantle(id);
    const used = networks.flatMap(({ subnets }) => subnets);
    let attempt = 0;
    for (const subnet of freeToolSubnets(pool, used)) {
      if (attempt === CREATE_ATTEMPTS) break;
      const id = await engine.createNetwork(createNetworkSpec({ project, agent, server, subnet, attempt }));
      attempt += 1;
      if (id === undefined) continue;
      try {
        const filter = await connectFilter(id, subnet.filter);
        return { id, filterAddress: subnet.filter, filter, users: 0 };
      } catch (error) {
        await remove(id, name);
        throw error;
      }
    }
    throw unavailable(
      `no network of 16 addresses is free in TOOL_POOL ${pool}: remove unused networks, or set another pool`,
    );
  }

  const isOurs = ({ labels }: EngineNetwork) =>
    labels["claws.project"] === project && labels["claws.server"] !== undefined;

  /**
   * egress-filter is told by name, not as one of what is connected: while it is stopped the engine does not
   * count it, and it would not start again for want of a network that is gone.
   */
  async function dismantle(network: string): Promise<void> {
    for (const filter of await findFilters()) await engine.disconnectNetwork(network, filter);
    await engine.removeNetwork(network);
  }

  async function remove(network: string, name: string): Promise<void> {
    for (let attempt = 1; attempt <= REMOVAL_ATTEMPTS; attempt += 1) {
      try {
        return await dismantle(network);
      } catch (error) {
        logger.error({ err: error, attempt, network: name }, "an MCP server's network could not be removed");
        if (attempt < REMOVAL_ATTEMPTS) await sleep(500 * attempt);
      }
    }
  }

  async function leave(name: string, network: Open): Promise<void> {
    network.users -= 1;
    if (network.users > 0) return;
    if (open.get(name) === network) open.delete(name);
    await remove(network.id, name);
  }

  return {
    join: (agent, server) =>
      inTurn(async () => {
        const name = toolNetworkName(project, agent, server);
        const known = await findOpen(name);
        // An egress-filter that was made anew since then is not in it yet.
        if (known !== undefined) known.filter = await connectFilter(known.id, known.filterAddress);
        const network = known ?? (await make(agent, server));
        network.users += 1;
        open.set(name, network);
        let left: Promise<void> | undefined;
        return {
          name,
          filterAddress: network.filterAddress,
          leave: () => (left ??= inTurn(() => leave(name, network))),
        };
      }),
    refresh: () =>
      inTurn(reconnect).catch((error: unknown) => {
        logger.warn({ err: error }, "cannot take the new egress-filter into MCP servers' networks yet");
      }),
    sweep: () =>
      inTurn(async () => {
        const leftovers = (await engine.listNetworks()).filter(isOurs);
        for (const { id } of leftovers) await dismantle(id);
        if (leftovers.length > 0)
          logger.warn({ networks: leftovers.length }, "removed leftover networks of MCP servers");
      }),
  };
}

function unavailable(detail: string): ProblemError {
  return ProblemError.of("server_unavailable", { service: "launcher", detail, retryAfterMs: 1_000 });
}
