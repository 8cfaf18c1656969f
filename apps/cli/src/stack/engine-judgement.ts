/** A network that an agent or an MCP server is on, as the merged Compose files have it. */
export interface WalledNetwork {
  readonly name: string;
  readonly internal: boolean;
  /** The bridge gets no address of the host (`com.docker.network.bridge.inhibit_ipv4`). */
  readonly inhibitsIpv4: boolean;
  readonly enablesIpv6: boolean;
  /** `com.docker.network.bridge.gateway_mode_ipv4` or `_ipv6` is `isolated`. */
  readonly isolatesGateway: boolean;
}

/** What one container of an agent has, as far as names and networks go. */
export interface WalledService {
  readonly name: string;
  /** It shares another network namespace instead of having networks of its own. */
  readonly networkMode?: string;
  /** Its name servers: none means those of the host. */
  readonly dns: readonly string[];
}

export interface EngineFacts {
  /** As `docker version` has it, a distribution's suffix included. */
  readonly version: string;
  /** `linux`, `windows`; undefined where the engine does not say. */
  readonly osType?: string | undefined;
  /** The host asks a name server on a loopback address, as with systemd-resolved. */
  readonly resolverIsLoopback: boolean;
  readonly networks: readonly WalledNetwork[];
  readonly services: readonly WalledService[];
  /** The addresses that egress-filter has on those networks, where they are fixed. */
  readonly resolverAddresses: readonly string[];
}

export interface EngineRemark {
  readonly code: string;
  readonly reason: string;
  readonly cure: string;
}

export type EngineJudgement =
  | { readonly verdict: "ok" }
  | { readonly verdict: "warn"; readonly warnings: readonly EngineRemark[] }
  | ({ readonly verdict: "refuse" } & EngineRemark);

/**
 * Whether this engine, with these settings, keeps an agent inside. What is known of the versions was measured on
 * 20.10.24, 26.1.5 and 28.5.2, or is from the engine's release notes and CVE-2024-29018 (GHSA-mq39-4gv4-mvpx).
 */
export function judgeEngine(facts: EngineFacts): EngineJudgement {
  const version = parseVersion(facts.version);
  if (version === undefined)
    return refuse(
      "engine_version_unknown",
      `the Docker engine calls itself ${JSON.stringify(facts.version)}, so nobody knows which leaks it has`,
      "use a release of Docker Engine",
    );
  if (facts.osType !== undefined && facts.osType !== "linux")
    return refuse(
      "engine_not_linux",
      `the Docker engine runs ${facts.osType} containers`,
      "switch it to Linux containers",
    );
  const refusal = judgeNetworks(facts, version) ?? judgeNames(facts, version);
  if (refusal !== undefined) return refusal;
  return isBelow(version, [28, 0, 0])
    ? { verdict: "warn", warnings: [PUBLISHED_TO_THE_SWITCH] }
    : { verdict: "ok" };
}

const PUBLISHED_TO_THE_SWITCH: EngineRemark = {
  code: "engine_publishes_to_lan",
  reason:
    "below Docker Engine 28, a machine on the same network switch can reach ports that are published on 127.0.0.1",
  cure: "use Engine 28 or newer where you do not trust the local network",
};

type Version = readonly [major: number, minor: number, patch: number];
type Refusal = Extract<EngineJudgement, { verdict: "refuse" }>;

function judgeNetworks({ networks, services }: EngineFacts, version: Version): Refusal | undefined {
  for (const { name, networkMode } of services) {
    if (networkMode !== undefined && networkMode !== "none")
      return refuse(
        "agent_network_mode",
        `${name} has network_mode: ${networkMode}, which is not behind the three doors`,
        `remove network_mode from ${name}`,
      );
  }
  for (const { name, internal, inhibitsIpv4, enablesIpv6, isolatesGateway } of networks) {
    if (!internal)
      return refuse(
        "network_not_internal",
        `the network ${name} has a way out past egress-filter`,
        `set internal: true on the network ${name}`,
      );
    if (isolatesGateway && version[0] === 27)
      return refuse(
        "gateway_mode_unknown",
        `Docker Engine 27 cannot create the network ${name}: it does not know the gateway mode isolated`,
        `use Engine 28 or newer, or remove gateway_mode from the network ${name}`,
      );
    if (!inhibitsIpv4)
      return refuse(
        "host_reachable",
        `what this host listens on could be reached over the bridge of the network ${name}`,
        `set driver_opts com.docker.network.bridge.inhibit_ipv4: "true" on the network ${name}`,
      );
    if (enablesIpv6)
      return refuse(
        "host_reachable_ipv6",
        `what this host listens on could be reached by IPv6 over the bridge of the network ${name}`,
        `remove enable_ipv6 from the network ${name}`,
      );
  }
  return undefined;
}

function judgeNames(
  { resolverIsLoopback, services, resolverAddresses, version: name }: EngineFacts,
  version: Version,
): Refusal | undefined {
  // moby#47822: the fix for CVE-2024-29018 took a name server inside an internal network for one outside.
  if (!isBelow(version, [26, 0, 0]) && isBelow(version, [26, 1, 3]))
    return refuse(
      "engine_dns_broken",
      `Docker Engine ${name} does not ask a name server inside an internal network`,
      "use Engine 26.1.3 or newer",
    );
  if (!resolverIsLoopback || !forwardsFromHost(version)) return undefined;
  const open = services.find(
    ({ dns, networkMode }) =>
      networkMode !== "none" &&
      (dns.length === 0 ||
        !dns.every((address) => isLoopback(address) || resolverAddresses.includes(address))),
  );
  if (open === undefined) return undefined;
  return refuse(
    "engine_leaks_dns",
    `Docker Engine ${name} carries the names that ${open.name} asks for out of an internal network (CVE-2024-29018)`,
    `use Engine 26.1.3 or newer, or set dns of ${open.name} to the address of egress-filter`,
  );
}

/** CVE-2024-29018: fixed in 23.0.11, 25.0.4 and 26.0.0, in no 24. */
function forwardsFromHost(version: Version): boolean {
  const [major] = version;
  if (major === 24) return true;
  return major === 25 ? isBelow(version, [25, 0, 4]) : isBelow(version, [23, 0, 11]);
}

/** Whether an address is the asker's own machine: 127.0.0.0/8 or ::1. */
export function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$/i.test(address);
}

/** `20.10.24+dfsg1`, `v28.5.2`, `24.0.7-0ubuntu4`: the three numbers in front, and nothing else in front. */
function parseVersion(text: string): Version | undefined {
  const found = /^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?![.\d])/.exec(text);
  if (found === null) return undefined;
  const [, major, minor, patch = "0"] = found;
  return [Number(major), Number(minor), Number(patch)];
}

function isBelow(version: Version, other: Version): boolean {
  for (const [index, part] of version.entries()) {
    const against = other[index] ?? 0;
    if (part !== against) return part < against;
  }
  return false;
}

function refuse(code: string, reason: string, cure: string): Refusal {
  return { verdict: "refuse", code, reason, cure };
}
