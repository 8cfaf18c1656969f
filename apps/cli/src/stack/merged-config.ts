import * as z from "zod";
import type { EngineFacts, WalledNetwork, WalledService } from "./engine-judgement.ts";

const Service = z.object({
  network_mode: z.string().optional(),
  dns: z.union([z.string().transform((address) => [address]), z.array(z.string())]).default([]),
  networks: z
    .record(
      z.string(),
      z.object({ ipv4_address: z.string().optional(), ipv6_address: z.string().optional() }).nullable(),
    )
    .default({}),
});

const Network = z.object({
  internal: z.boolean().default(false),
  enable_ipv6: z.boolean().default(false),
  driver_opts: z.record(z.string(), z.coerce.string()).default({}),
});

const Config = z.object({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), Network.nullable()).default({}),
});

type MergedFacts = Pick<EngineFacts, "networks" | "services" | "resolverAddresses">;

const isAgent = (name: string) => name === "agent" || name.startsWith("agent-");
const isWalled = (name: string) => isAgent(name) || name.startsWith("tool-");

/**
 * What `docker compose config --format json` says about the agents, all overlays merged: their containers, every
 * network that they are on, and those of MCP servers. Throws a ZodError for what Compose cannot have printed.
 */
export function readMergedConfig(json: string): MergedFacts {
  const { services, networks } = Config.parse(JSON.parse(json));
  const agents = Object.entries(services).filter(([name]) => isAgent(name));
  const names = new Set([
    ...Object.keys(networks).filter(isWalled),
    ...agents.flatMap(([, service]) => Object.keys(service.networks)),
  ]);
  return {
    networks: [...names].map((name) => describeNetwork(name, networks[name])),
    services: agents.map(([name, service]) => describeService(name, service)),
    resolverAddresses: Object.entries(services["egress-filter"]?.networks ?? {})
      .filter(([name]) => names.has(name))
      .flatMap(([, endpoint]) => [endpoint?.ipv4_address, endpoint?.ipv6_address])
      .filter((address) => address !== undefined),
  };
}

function describeService(name: string, { network_mode, dns }: z.infer<typeof Service>): WalledService {
  return { name, dns, ...(network_mode === undefined ? {} : { networkMode: network_mode }) };
}

/** A network that is only named, as an external one is, promises nothing. */
function describeNetwork(name: string, network: z.infer<typeof Network> | null | undefined): WalledNetwork {
  const option = (key: string) => network?.driver_opts[`com.docker.network.bridge.${key}`];
  return {
    name,
    internal: network?.internal ?? false,
    enablesIpv6: network?.enable_ipv6 ?? false,
    inhibitsIpv4: option("inhibit_ipv4") === "true",
    isolatesGateway: ["gateway_mode_ipv4", "gateway_mode_ipv6"].some((key) => option(key) === "isolated"),
  };
}
