import type { OutsideClaim } from "./outside.ts";

/** What machines listen on: shells, names, the web, containers, databases, our own ports. */
const PORTS = [
  22, 53, 80, 111, 443, 631, 2375, 2376, 3000, 3128, 5000, 5432, 6379, 8000, 8080, 8081, 8082, 9090,
];
/** For addresses that are guessed. */
const FEW_PORTS = [22, 80, 443, 2375];

/** The first address of every subnet that Docker's default pools give out: the machine, where such a bridge exists. */
const DEFAULT_POOLS = [
  ...Array.from({ length: 15 }, (_, index) => `172.${17 + index}.0.1`),
  ...Array.from({ length: 16 }, (_, index) => `192.168.${16 * index}.1`),
];
const DOCKER_API = [2375, 2376];

export interface HostKnowledge {
  /** First and last address of every subnet that the container is in. */
  readonly edges: readonly string[];
  /** Addresses of the machine that the engine told. */
  readonly hostAddresses: readonly string[];
  /** Who really has an address on the container's own network. */
  readonly taken: ReadonlySet<string>;
  readonly decoyPort: number | undefined;
}

export function hostClaims({ edges, hostAddresses, taken, decoyPort }: HostKnowledge): OutsideClaim[] {
  const isFree = (address: string) => !taken.has(address);
  const known = [...new Set([...edges, ...hostAddresses])].filter(isFree);
  const guessed = DEFAULT_POOLS.filter((address) => isFree(address) && !known.includes(address));
  const decoy = decoyPort === undefined ? [] : [decoyPort];
  const tcp = (addresses: readonly string[], ports: readonly number[]) =>
    addresses.flatMap((address) => ports.map((port) => ({ protocol: "tcp" as const, address, port })));
  const listens = decoyPort === undefined ? "" : `, port ${decoyPort} among them, where it listens`;
  return [
    {
      id: "TOP-02",
      tried: `TCP to the machine at ${known.join(", ") || "no known address"}${listens}`,
      expected: "no way there",
      places: tcp(known, [...PORTS.filter((port) => !DOCKER_API.includes(port)), ...decoy]),
    },
    {
      id: "TOP-02-pools",
      tried: `TCP to the machine at ${guessed.length} addresses of Docker's default pools${listens}`,
      expected: "no way there",
      places: tcp(guessed, [...FEW_PORTS, ...decoy]),
    },
    {
      id: "TOP-02-udp",
      tried: "UDP ports 53 and 123 of the machine",
      expected: "no way there",
      places: known.flatMap((address) =>
        [53, 123].map((port) => ({ protocol: "udp" as const, address, port })),
      ),
    },
    {
      id: "TOP-11",
      tried: "the Docker API: TCP ports 2375 and 2376 of the machine",
      expected: "no way there",
      places: tcp(known, DOCKER_API),
    },
  ];
}
