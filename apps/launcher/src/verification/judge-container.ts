import type { Probe } from "@claws/contracts";
import type { ContainerFacts, NetworkFacts } from "./inspector.ts";
import type { Vantage } from "./vantage.ts";

/** What stands around one container, as the engine has it; the container itself has no word in this. */
export interface Surroundings {
  readonly vantage: Vantage;
  readonly facts: ContainerFacts;
  readonly network: NetworkFacts | undefined;
  /** Who else is on its network: services of ours by their names, others by their containers'. */
  readonly members: readonly string[];
  readonly allowedMembers: readonly string[];
}

/** Judges the walls that the engine was told to build. */
export function judgeContainer(surroundings: Surroundings): Probe[] {
  const { vantage, facts } = surroundings;
  const probe = (
    id: string,
    tried: string,
    expected: string,
    wrong: readonly string[],
    fine: string,
  ): Probe => ({
    id: `${vantage.kind}-${id}`,
    from: vantage.from,
    tried,
    expected,
    happened: (wrong.join(", ") || fine).slice(0, 300),
    passed: wrong.length === 0,
  });
  const attached = facts.networks.join(", ") || "none";
  return [
    probe(
      "networks",
      "networks of the container (TOP-15: attached to a second one)",
      vantage.network === undefined ? "none" : `exactly ${vantage.network}`,
      findWrongNetworks(surroundings),
      attached,
    ),
    ...(vantage.network === undefined
      ? []
      : [
          probe(
            "network-members",
            `who is on ${vantage.network}`,
            `nobody but ${surroundings.allowedMembers.join(", ")}`,
            findStrangers(surroundings),
            surroundings.members.join(", ") || "nobody else",
          ),
          probe(
            "network-settings",
            `settings of ${vantage.network}`,
            "internal, without IPv6",
            findWrongSettings(surroundings.network),
            "internal, without IPv6",
          ),
        ]),
    probe(
      "mounts",
      "what is mounted into the container",
      "no socket of the engine, nothing of the system",
      findWrongMounts(facts),
      facts.mounts.map(({ target }) => target).join(", ") || "nothing",
    ),
    probe(
      "privileges",
      "capabilities and namespaces (TOP-14: raw sockets)",
      "every capability dropped, no namespace of the machine, not root",
      findPrivileges(facts),
      "as it must be",
    ),
  ];
}

function findWrongNetworks({ vantage, facts }: Surroundings): string[] {
  const { networks, networkMode } = facts;
  if (/^(host|container:)/.test(networkMode)) return [`network mode ${networkMode.slice(0, 30)}`];
  const real = networks.filter((name) => name !== "none");
  const expected = vantage.network === undefined ? [] : [vantage.network];
  if (real.length === 0 && expected.length > 0) return ["none"];
  return real.join() === expected.join() ? [] : [real.join(" and ")];
}

function findStrangers({ members, allowedMembers }: Surroundings): string[] {
  return members
    .filter((member) => !allowedMembers.includes(member))
    .map((member) => `${member} is there too`);
}

function findWrongSettings(network: NetworkFacts | undefined): string[] {
  if (network === undefined) return ["the network is not there"];
  return [...(network.internal ? [] : ["not internal"]), ...(network.ipv6 ? ["IPv6"] : [])];
}

/** Places of the machine that are a way out of any container they are mounted into. */
const SYSTEM_PLACES = [
  "/proc",
  "/sys",
  "/dev",
  "/run",
  "/var/run",
  "/etc",
  "/boot",
  "/var/lib/docker",
  "/var/lib/containerd",
];

function findWrongMounts({ mounts }: ContainerFacts): string[] {
  return mounts
    .filter(({ type, source, target }) => {
      if (/docker\.sock|containerd\.sock|podman\.sock/.test(`${source} ${target}`)) return true;
      if (type !== "bind") return false;
      return (
        source === "/" || SYSTEM_PLACES.some((place) => source === place || source.startsWith(`${place}/`))
      );
    })
    .map(({ source, target }) => `${source} at ${target}`);
}

function findPrivileges(facts: ContainerFacts): string[] {
  const dropsAll = facts.droppedCapabilities.some((name) => name.toUpperCase() === "ALL");
  const isLocked = facts.securityOptions.some((option) => /^no-new-privileges([:=]true)?$/.test(option));
  const isUnconfined = facts.securityOptions.some((option) => option.includes("unconfined"));
  const isForeign = (mode: string) => mode === "host" || mode.startsWith("container:");
  return [
    ...(facts.privileged ? ["privileged"] : []),
    ...(dropsAll ? [] : ["capabilities are not dropped"]),
    ...facts.addedCapabilities.map((name) => `capability ${name}`),
    ...(isLocked ? [] : ["may gain privileges"]),
    ...(isUnconfined ? ["unconfined"] : []),
    ...(isForeign(facts.pidMode) ? [`pid ${facts.pidMode}`] : []),
    ...(isForeign(facts.ipcMode) ? [`ipc ${facts.ipcMode}`] : []),
    ...(facts.utsMode === "host" ? ["uts host"] : []),
    ...(facts.usernsMode === "host" ? ["userns host"] : []),
    ...(facts.devices > 0 ? [`${facts.devices} devices`] : []),
    ...facts.extraHosts
      .filter((entry) => entry.includes("host-gateway"))
      .map((entry) => `extra host ${entry}`),
    ...facts.publishedPorts.map((port) => `publishes ${port}`),
    ...(/^(|0|root)(:|$)/.test(facts.user) ? ["runs as root"] : []),
  ];
}
