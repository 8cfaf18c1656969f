import type { CompiledPolicy } from "@claws/contracts";
import type { ListedContainer } from "./inspector.ts";
import { isSibling, serviceOf, type Vantage } from "./vantage.ts";

/** The ports of the doors, on the network that they share with whom they serve. */
export const DOORS: Readonly<Record<Vantage["kind"], Readonly<Record<string, readonly number[]>>>> = {
  agent: { broker: [7000], "model-gateway": [7001], "egress-filter": [3128, 53], "agent-door": [3128] },
  server: { "egress-filter": [3128, 53] },
};
/** Without these a run proves nothing; the agent's own little door may be left out. */
const NEEDED: Readonly<Record<Vantage["kind"], readonly string[]>> = {
  agent: ["broker", "model-gateway", "egress-filter"],
  server: ["egress-filter"],
};

/** Everything that any service of ours, or the log viewer or Redis, listens on. */
const OUR_PORTS = [53, 80, 443, 2375, 3128, 3129, 6379, 7000, 7001, 7443, 7444, 8080, 8081, 8082, 9090];
/** Containers that are no business of ours: enough of them to see whether there is a way. */
const MAX_FOREIGN = 40;
const MAX_FOREIGN_PORTS = 4;

interface Target {
  readonly name: string;
  readonly address: string;
  readonly ports: readonly number[];
}

/** What a run from one place tries, as the prober's environment has it. */
export interface ProbeTargets {
  readonly environment: Readonly<Record<string, string>>;
  /** Doors that do not run, so that they cannot be tried. */
  readonly missing: readonly string[];
}

export interface TargetOptions {
  readonly vantage: Vantage;
  readonly containers: readonly ListedContainer[];
  readonly project: string;
  readonly policy: Pick<CompiledPolicy, "agents" | "egress" | "servers">;
  readonly decoyPort: number | undefined;
}

export function createProbeTargets(options: TargetOptions): ProbeTargets {
  const { vantage, containers, project, decoyPort } = options;
  const own = vantage.network;
  const others = containers.filter(
    (container) => container.id !== vantage.container.id && !isSibling(container, vantage.container),
  );
  const members = others.flatMap((container) =>
    container.networks
      .filter(({ network, address }) => network === own && address !== "")
      .map(({ address }) => ({ address, container, service: serviceOf(container, project) })),
  );
  const doorsOf = DOORS[vantage.kind];
  const doors = members.flatMap(({ address, service }): Target[] => {
    const ports = service === undefined ? undefined : doorsOf[service];
    return service === undefined || ports === undefined ? [] : [{ name: service, address, ports }];
  });
  const neighbours = members.map(({ address, container, service }): Target => {
    const isDoor = service !== undefined && Object.hasOwn(doorsOf, service);
    const answers = isDoor ? (doorsOf[service] ?? []) : [];
    return {
      name: service ?? container.name,
      address,
      ports: OUR_PORTS.filter((port) => !answers.includes(port)),
    };
  });
  const proxy = doors.find(({ name }) => name === "egress-filter");
  const allowedName = findAllowedName(options);
  const environment: Record<string, string> = {
    FROM: vantage.from,
    NETWORKS: own === undefined ? "0" : "1",
    DOORS: writeTargets(doors),
    NEIGHBOURS: writeTargets(neighbours),
    STRANGERS: writeTargets(findStrangers(others, own, project)),
    HOST_ADDRESSES: [...new Set(containers.flatMap(({ networks }) => networks.map(({ gateway }) => gateway)))]
      .filter((address) => IPV4.test(address))
      .join(","),
  };
  if (decoyPort !== undefined) environment["DECOY_PORT"] = String(decoyPort);
  if (proxy !== undefined) {
    environment["PROXY"] = `${proxy.address}:3128`;
    environment["DNS_ADDRESS"] = proxy.address;
    if (allowedName !== undefined) environment["ALLOWED_NAME"] = allowedName;
  }
  const missing =
    own !== undefined ? NEEDED[vantage.kind].filter((name) => !doors.some((door) => door.name === name)) : [];
  return { environment, missing };
}

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Every address that a container has on another network than `own`, the doors' other sides among them. */
function findStrangers(
  containers: readonly ListedContainer[],
  own: string | undefined,
  project: string,
): Target[] {
  const addresses = containers.flatMap((container) =>
    container.networks
      .filter(({ network, address }) => network !== own && IPV4.test(address))
      .map(({ network, address }) => ({ container, network, address })),
  );
  const isOurs = (container: ListedContainer) =>
    serviceOf(container, project) !== undefined || container.labels["claws.project"] === project;
  const [ours, foreign] = [
    addresses.filter(({ container }) => isOurs(container)),
    addresses.filter(({ container }) => !isOurs(container)).slice(0, MAX_FOREIGN),
  ];
  return [
    ...ours.map(({ container, network, address }) => ({
      name: `${serviceOf(container, project) ?? container.name} on ${network}`,
      address,
      ports: [...new Set([...OUR_PORTS, ...container.ports])],
    })),
    ...foreign.map(({ container, address }) => ({
      name: container.name,
      address,
      ports: [...new Set([80, ...container.ports])].slice(0, MAX_FOREIGN_PORTS),
    })),
  ];
}

/** A name that a rule allows by itself: for it alone the policy DNS has an address. */
function findAllowedName({ vantage, policy }: TargetOptions): string | undefined {
  const [kind, name = ""] = vantage.from.split(":");
  const entries: Record<string, { readonly egress?: CompiledPolicy["egress"]["rules"] | undefined }> =
    kind === "agent" ? policy.agents : policy.servers;
  const rules = entries[name]?.egress ?? (kind === "agent" ? policy.egress.rules : []);
  return rules.find(
    ({ action, host }) => action === "allow" && /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]+$/.test(host),
  )?.host;
}

/** `name=address:port+port`, with commas between; what a container is called may hold none of these signs. */
function writeTargets(targets: readonly Target[]): string {
  return targets
    .map(({ name, address, ports }) => `${name.replaceAll(/[^\w .-]/g, "_")}=${address}:${ports.join("+")}`)
    .join(",");
}
