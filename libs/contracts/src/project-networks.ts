import { createHash } from "node:crypto";

/** How the name of every bridge begins that an agent or an MCP server is on: what the host firewall looks for. */
export const BRIDGE_PREFIX = "clw-";

/**
 * The name of a project's bridge on the host (`com.docker.network.bridge.name`). The kernel takes 15 characters
 * (IFNAMSIZ less its NUL), so the project is there as a hash.
 *
 * @param suffix what tells the project's bridges apart: `agt` for agents, else one to four of a-z and 0-9
 */
export function bridgeName(project: string, suffix: string): string {
  if (!/^[a-z0-9]{1,4}$/.test(suffix))
    throw new RangeError(`${JSON.stringify(suffix)} is not one to four of a-z and 0-9`);
  return `${BRIDGE_PREFIX}${hashOf(project).slice(0, 6)}-${suffix}`;
}

/** The project that docker-compose.yml starts by itself, and what it says there of its network. */
export const DEFAULT_PROJECT = "claws";
const DEFAULT_THIRD_OCTET = 0;

/** The agents' network of a project. It has a fixed place, since the agents' resolver must have a fixed address. */
export interface AgentNetwork {
  /** The first three octets of its /24; egress-filter is `.53` in it. */
  readonly prefix: string;
  readonly bridge: string;
}

/** Projects beside the default one get a network of their own, by their name; two may meet, and then Docker says so. */
export function agentNetworkOf(project: string): AgentNetwork {
  const third =
    project === DEFAULT_PROJECT
      ? DEFAULT_THIRD_OCTET
      : 1 + (Number.parseInt(hashOf(project).slice(0, 8), 16) % 254);
  return { prefix: `10.213.${third}`, bridge: bridgeName(project, "agt") };
}

function hashOf(project: string): string {
  return createHash("sha256").update(project).digest("hex");
}
