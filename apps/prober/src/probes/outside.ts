import type { Claim } from "./probe-group.ts";

/** Attempts that must not leave the container, with what they stand for. */
export interface OutsideClaim extends Claim {
  readonly places: readonly {
    readonly address: string;
    readonly port: number;
    readonly protocol: "tcp" | "udp";
  }[];
}

/** Addresses that nobody has (RFC 5737, RFC 3849): were there a way, packets would leave, and nobody is bothered. */
const NOWHERE = ["192.0.2.1", "198.51.100.1", "203.0.113.1"];
const NOWHERE_V6 = "2001:db8::1";

/** Where clouds hand out credentials to whoever asks from inside the machine. */
const METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192"];
const METADATA_V6 = "fd00:ec2::254";

const NO_WAY = "no way there";
const at = (protocol: "tcp" | "udp", port: number, addresses: readonly string[]) =>
  addresses.map((address) => ({ protocol, address, port }));

export function outsideClaims(devices: readonly string[]): OutsideClaim[] {
  const linkLocal = devices.filter((device) => device !== "lo").map((device) => `fe80::1%${device}`);
  return [
    {
      id: "outside-tcp",
      tried: `TCP to ${NOWHERE.join(", ")}, ports 80 and 443`,
      expected: NO_WAY,
      places: [...at("tcp", 443, NOWHERE), ...at("tcp", 80, NOWHERE)],
    },
    {
      id: "TOP-07",
      tried: "what an ICMP packet to 192.0.2.1 would take: a datagram to the same address",
      expected: NO_WAY,
      places: at("udp", 7, NOWHERE.slice(0, 1)),
    },
    { id: "TOP-08", tried: "UDP port 443 (QUIC)", expected: NO_WAY, places: at("udp", 443, NOWHERE) },
    { id: "TOP-09", tried: "UDP port 123 (NTP)", expected: NO_WAY, places: at("udp", 123, NOWHERE) },
    {
      id: "outside-dns",
      tried: "UDP and TCP port 53 of name servers outside",
      expected: NO_WAY,
      places: [...at("udp", 53, NOWHERE), ...at("tcp", 53, NOWHERE), ...at("tcp", 853, NOWHERE)],
    },
    {
      id: "TOP-10",
      tried: `TCP and UDP to ${NOWHERE_V6}, and to fe80::1 on every interface`,
      expected: NO_WAY,
      places: [...at("tcp", 443, [NOWHERE_V6, ...linkLocal]), ...at("udp", 443, [NOWHERE_V6, ...linkLocal])],
    },
    {
      id: "metadata",
      tried: `TCP port 80 of ${METADATA.join(", ")} and ${METADATA_V6}`,
      expected: NO_WAY,
      places: at("tcp", 80, [...METADATA, METADATA_V6]),
    },
  ];
}
