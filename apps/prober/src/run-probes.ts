import { networkInterfaces } from "node:os";
import type { Probe } from "@claws/contracts";
import { edgesOf } from "./ipv4.ts";
import { hostClaims } from "./probes/host.ts";
import { outsideClaims } from "./probes/outside.ts";
import { probeDoors, probeNeighbours, probeStrangers } from "./probes/probe-containers.ts";
import { probeDns } from "./probes/probe-dns.ts";
import { probeNamespace } from "./probes/probe-namespace.ts";
import { probePlaces } from "./probes/probe-places.ts";
import type { Finding } from "./probes/probe-group.ts";
import { probeProxy } from "./probes/probe-proxy.ts";
import { readArp, readNamespace } from "./read-namespace.ts";
import type { Settings } from "./settings.ts";

/** Tries everything at once, then judges: what is silence and what is absence shows only in the end. */
export async function runProbes(settings: Settings): Promise<Probe[]> {
  const namespace = readNamespace();
  const own = readOwnAddresses();
  const taken = new Set([
    ...own.map(({ address }) => address),
    ...[...settings.DOORS, ...settings.NEIGHBOURS].map(({ address }) => address),
  ]);
  const edges = own.flatMap(({ address, netmask }) => edgesOf(address, netmask));
  const claims = [
    ...outsideClaims(namespace.devices),
    ...hostClaims({ edges, hostAddresses: settings.HOST_ADDRESSES, taken, decoyPort: settings.DECOY_PORT }),
  ];
  const [judgePlaces, judgeStrangers, ...findings] = await Promise.all([
    probePlaces(claims),
    probeStrangers(settings.STRANGERS),
    probeNeighbours(settings.NEIGHBOURS),
    probeServices(settings),
  ]);
  const evidence = { routes: namespace.routes, neighbours: readArp() };
  const all = [
    ...probeNamespace(namespace, evidence, { networks: settings.NETWORKS }),
    ...judgePlaces(evidence),
    ...judgeStrangers(evidence),
    ...findings.flat(),
  ];
  return all.map((finding) => ({ ...finding, from: settings.FROM }));
}

/** First the doors, which may be starting, then what they say. */
async function probeServices(settings: Settings): Promise<Finding[]> {
  const doors = settings.NETWORKS === 0 ? [] : await probeDoors(settings.DOORS);
  const words = await Promise.all([probeDns(settings), probeProxy(settings)]);
  return [...doors, ...words.flat()];
}

function readOwnAddresses(): { address: string; netmask: string }[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal);
}
