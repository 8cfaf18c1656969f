/** One line of /proc/net/route: IPv4, addresses as numbers. */
export interface Route {
  readonly device: string;
  readonly destination: number;
  readonly mask: number;
  /** 0: the destination is on this link. */
  readonly gateway: number;
}

/** What the kernel says of a network namespace. */
export interface Namespace {
  readonly devices: readonly string[];
  readonly routes: readonly Route[];
  /** Devices other than loopback that have an IPv6 address or a default route of it. */
  readonly ipv6Devices: readonly string[];
}

const RTF_UP = 1;

/** The kernel writes the address as one number in the machine's own order, which is little-endian wherever we run. */
function readAddress(hex: string): number {
  return Buffer.from(hex, "hex").readUInt32LE();
}

export function parseRoutes(text: string): Route[] {
  return rowsOf(text)
    .slice(1)
    .flatMap(([device = "", destination = "", gateway = "", flags = "", , , , mask = ""]) =>
      (Number.parseInt(flags, 16) & RTF_UP) === 0
        ? []
        : [
            {
              device,
              destination: readAddress(destination),
              gateway: readAddress(gateway),
              mask: readAddress(mask),
            },
          ],
    );
}

/** /proc/net/dev: two lines of headings, then `name: numbers`. */
export function parseDevices(text: string): string[] {
  return text.split("\n").flatMap((line) => /^\s*([^\s:|]+):/.exec(line)?.[1] ?? []);
}

/** /proc/net/if_inet6: the address is the first column, the device the last. */
export function parseIpv6Addresses(text: string): { readonly address: string; readonly device: string }[] {
  return rowsOf(text).map((columns) => ({ address: columns[0] ?? "", device: columns.at(-1) ?? "" }));
}

const ALL_ZERO = "0".repeat(32);

/** Devices of the default routes in /proc/net/ipv6_route; the kernel's own reject route is on loopback. */
export function parseIpv6DefaultDevices(text: string): string[] {
  return rowsOf(text)
    .filter(([destination, length]) => destination === ALL_ZERO && length === "00")
    .map((columns) => columns.at(-1) ?? "");
}

const ATF_COM = 2;

/** /proc/net/arp: addresses that somebody on the link answers for, and those that nobody does. */
export function parseArp(text: string): ReadonlyMap<string, "present" | "absent"> {
  return new Map(
    rowsOf(text)
      .slice(1)
      .map(([address = "", , flags = "0x0"]) => [
        address,
        (Number.parseInt(flags, 16) & ATF_COM) === 0 ? "absent" : "present",
      ]),
  );
}

function rowsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().split(/\s+/));
}
