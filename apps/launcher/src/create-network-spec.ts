import { createHash } from "node:crypto";
import type { AgentId, ServerName } from "@claws/contracts";
import type { NetworkCreateOptions } from "dockerode";
import { createLabels } from "./create-container-spec.ts";
import type { ToolSubnet } from "./tool-subnets.ts";

/** The engine's own shape for creating a network; nothing but this module fills it in. */
export type NetworkSpec = NetworkCreateOptions;

export interface NetworkContext {
  readonly project: string;
  readonly agent: AgentId;
  readonly server: ServerName;
  readonly subnet: ToolSubnet;
  /** Counts up from 0 while the engine finds the bridge's name in use. */
  readonly attempt: number;
}

/** The network of one agent's server: unique in the project, and unlike any that Compose makes. */
export function toolNetworkName(project: string, agent: AgentId, server: ServerName): string {
  return `${project}_tool-${agent}-${server}`;
}

/**
 * A network on which nothing but the server and egress-filter is: internal, and the host has no address on
 * its bridge (`internal` alone leaves the host's own services reachable through the bridge's gateway).
 */
export function createNetworkSpec(context: NetworkContext): NetworkSpec {
  const { project, agent, server, subnet } = context;
  return {
    Name: toolNetworkName(project, agent, server),
    CheckDuplicate: true,
    Driver: "bridge",
    Internal: true,
    Attachable: false,
    EnableIPv6: false,
    IPAM: {
      Driver: "default",
      Config: [{ Subnet: subnet.cidr, IPRange: subnet.dynamic, Gateway: subnet.gateway }],
    },
    Options: {
      "com.docker.network.bridge.inhibit_ipv4": "true",
      "com.docker.network.bridge.name": bridgeName(context),
    },
    Labels: createLabels(context),
  };
}

/** `clw-<project>-<server>`, 15 characters, by which the host's firewall knows the bridges of a project. */
function bridgeName({ project, agent, server, attempt }: NetworkContext): string {
  return `clw-${hash(project).slice(0, 6)}-${hash(`${agent}/${server}/${attempt}`).slice(0, 4)}`;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
