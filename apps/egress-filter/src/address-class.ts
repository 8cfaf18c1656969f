import ipaddr from "ipaddr.js";

/** What kind of place an address is. Only `public` is reachable without a grant. */
export type AddressKind =
  | "public"
  | "private"
  | "shared"
  | "loopback"
  | "unspecified"
  | "link-local"
  | "metadata"
  | "multicast"
  | "broadcast"
  | "documentation"
  | "benchmarking"
  | "reserved"
  | "translated"
  | "own"
  | "unreadable";

export interface AddressClass {
  readonly kind: AddressKind;
  /** Whether the `addresses` of a rule can open it. */
  readonly isGrantable: boolean;
}

/** A function that knows every range; tests replace it to reach servers of their own on loopback. */
export type AddressClassifier = (address: string) => AddressClass;

type Row = readonly [range: string, kind: AddressKind, grantable: "grantable" | "never"];

/**
 * The IANA special-purpose registries (RFC 6890 and what updates it) and the metadata services of clouds
 * that live in ordinary-looking ranges. First match decides, so exceptions stand before their range.
 */
const IPV4: readonly Row[] = [
  ["0.0.0.0/8", "unspecified", "never"],
  ["10.0.0.0/8", "private", "grantable"],
  ["100.100.100.200/32", "metadata", "never"], // Alibaba Cloud
  ["100.64.0.0/10", "shared", "grantable"], // RFC 6598, carrier-grade NAT
  ["127.0.0.0/8", "loopback", "never"],
  ["168.63.129.16/32", "metadata", "never"], // Azure WireServer, in a public range
  ["169.254.0.0/16", "metadata", "never"], // link-local, RFC 3927, and every cloud's 169.254.169.254
  ["172.16.0.0/12", "private", "grantable"],
  ["192.0.0.192/32", "metadata", "never"], // Oracle Cloud
  ["192.0.0.0/24", "reserved", "grantable"],
  ["192.0.2.0/24", "documentation", "grantable"], // RFC 5737
  ["192.31.196.0/24", "reserved", "grantable"], // AS112, RFC 7535
  ["192.52.193.0/24", "reserved", "grantable"], // AMT, RFC 7450
  ["192.88.99.0/24", "translated", "never"], // 6to4 relays, RFC 7526
  ["192.168.0.0/16", "private", "grantable"],
  ["192.175.48.0/24", "reserved", "grantable"], // AS112, RFC 7534
  ["198.18.0.0/15", "benchmarking", "grantable"], // RFC 2544
  ["198.51.100.0/24", "documentation", "grantable"],
  ["203.0.113.0/24", "documentation", "grantable"],
  ["224.0.0.0/4", "multicast", "never"],
  ["255.255.255.255/32", "broadcast", "never"],
  ["240.0.0.0/4", "reserved", "grantable"],
  ["0.0.0.0/0", "public", "never"],
];

/**
 * Addresses that carry an IPv4 address inside (`translated`) are never granted: a grant would be for a
 * range that says nothing of the host behind it. Whatever is not global unicast is reserved.
 */
const IPV6: readonly Row[] = [
  ["::/128", "unspecified", "never"],
  ["::1/128", "loopback", "never"],
  ["::/96", "translated", "never"], // IPv4-compatible, RFC 4291
  ["::ffff:0:0:0/96", "translated", "never"], // SIIT, RFC 2765
  ["64:ff9b::/96", "translated", "never"], // NAT64, RFC 6052
  ["64:ff9b:1::/48", "translated", "never"], // RFC 8215
  ["2001::/32", "translated", "never"], // Teredo, RFC 4380
  ["2001::/23", "reserved", "grantable"],
  ["2001:db8::/32", "documentation", "grantable"], // RFC 3849
  ["2002::/16", "translated", "never"], // 6to4, RFC 3056
  ["2620:4f:8000::/48", "reserved", "grantable"], // AS112, RFC 7534
  ["3fff::/20", "documentation", "grantable"], // RFC 9637
  ["2000::/3", "public", "never"],
  ["fd00:ec2::254/128", "metadata", "never"], // AWS
  ["fd20:ce::254/128", "metadata", "never"], // Google Cloud
  ["fc00::/7", "private", "grantable"], // RFC 4193
  ["fe80::/10", "link-local", "never"],
  ["ff00::/8", "multicast", "never"],
  ["::/0", "reserved", "grantable"],
];

const RANGES = [...IPV4, ...IPV6].map(([range, kind, grantable]) => ({
  range: ipaddr.parseCIDR(range),
  class: { kind, isGrantable: grantable === "grantable" } satisfies AddressClass,
}));
const UNREADABLE: AddressClass = { kind: "unreadable", isGrantable: false };
const OWN: AddressClass = { kind: "own", isGrantable: false };

/** Classifies one address; `own` are the addresses of this machine's interfaces. */
export function classifyAddress(address: string, own: readonly string[] = []): AddressClass {
  const parsed = readAddress(address);
  if (parsed === undefined) return UNREADABLE;
  if (own.some((mine) => readAddress(mine)?.toString() === parsed.toString())) return OWN;
  const row = RANGES.find(({ range }) => range[0].kind() === parsed.kind() && parsed.match(range));
  return row?.class ?? UNREADABLE;
}

/** Whether the address lies in one of the ranges that a rule grants. */
export function isInRanges(address: string, ranges: readonly string[]): boolean {
  const parsed = readAddress(address);
  if (parsed === undefined) return false;
  return ranges.some((text) => {
    const range = readRange(text);
    if (range === undefined) return false;
    return range[0].kind() === parsed.kind() && parsed.match(range);
  });
}

const RANGES_READ = new Map<string, [Address, number] | undefined>();

/** The ranges are those of the rules, and so never many. */
function readRange(text: string): [Address, number] | undefined {
  if (!RANGES_READ.has(text))
    RANGES_READ.set(text, ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : undefined);
  return RANGES_READ.get(text);
}

/** The address as it is dialled and compared: an IPv4-mapped one (RFC 4291 section 2.5.5.2) is its IPv4. */
export function canonicalAddress(address: string): string | undefined {
  return readAddress(address)?.toString();
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The same few addresses are asked about again and again, and the library takes its time. */
const READ = new Map<string, Address | undefined>();
const MAX_READ = 4_096;

function readAddress(text: string): Address | undefined {
  if (READ.has(text)) return READ.get(text);
  if (READ.size >= MAX_READ) READ.clear();
  const address = parseAddress(text);
  READ.set(text, address);
  return address;
}

function parseAddress(text: string): Address | undefined {
  // The library reads 0x7f.1 and fe80::1%eth0 as addresses; nothing that we dial is written so.
  const isPlain = text.includes(":") ? !text.includes("%") : ipaddr.IPv4.isValidFourPartDecimal(text);
  return isPlain && ipaddr.isValid(text) ? ipaddr.process(text) : undefined;
}
