import { AgentId, type CompiledPolicy, ServerName } from "@claws/contracts";
import { toolNetworkName } from "../create-network-spec.ts";
import type { ListedContainer } from "./inspector.ts";

/** A container from whose network namespace is probed. */
export interface Vantage {
  /** `agent:main`, `server:fs`. */
  readonly from: string;
  readonly kind: "agent" | "server";
  readonly container: ListedContainer;
  /** The one network that it belongs on; undefined for a server without a grant, which belongs on none. */
  readonly network: string | undefined;
}

const COMPOSE_PROJECT = "com.docker.compose.project";
const COMPOSE_SERVICE = "com.docker.compose.service";

/** The service of this project that a container is of, by the labels that Compose gave it. */
export function serviceOf({ labels }: ListedContainer, project: string): string | undefined {
  return labels[COMPOSE_PROJECT] === project ? labels[COMPOSE_SERVICE] : undefined;
}

/** Every agent and every MCP server of the project that runs now. */
export function findVantages(
  containers: readonly ListedContainer[],
  { project, servers }: { readonly project: string; readonly servers: CompiledPolicy["servers"] },
): Vantage[] {
  return containers.flatMap((container): Vantage[] => {
    const { labels } = container;
    if (serviceOf(container, project) === "agent") {
      return [{ from: "agent:main", kind: "agent", container, network: `${project}_agent` }];
    }
    const server = ServerName.safeParse(labels["claws.server"]);
    const agent = AgentId.safeParse(labels["claws.agent"]);
    if (labels["claws.project"] !== project || !server.success || !agent.success) return [];
    const hasGrant = (servers[server.data]?.egress ?? []).length > 0;
    const network = hasGrant ? toolNetworkName(project, agent.data, server.data) : undefined;
    return [{ from: `server:${server.data}`, kind: "server", container, network }];
  });
}

/** Another run of the same server for the same agent: they share a network, and what either may do. */
export function isSibling(one: ListedContainer, other: ListedContainer): boolean {
  return ["claws.project", "claws.server", "claws.agent"].every(
    (label) => one.labels[label] !== undefined && one.labels[label] === other.labels[label],
  );
}
