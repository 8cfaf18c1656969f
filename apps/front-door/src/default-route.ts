import { readFileSync } from "node:fs";

const REJECTING = 0x0200;

/** Whether `/proc/net/route` or `/proc/net/ipv6_route` lists a default route that leads anywhere. */
export function hasDefaultRoute(ipv4: string, ipv6: string): boolean {
  const leads = (flags: string | undefined) => (Number.parseInt(flags ?? "0", 16) & REJECTING) === 0;
  const rows = (table: string) => table.split("\n").map((line) => line.trim().split(/\s+/));
  // Iface Destination Gateway Flags RefCnt Use Metric Mask …
  const fourth = rows(ipv4).some(
    ([, destination, , flags, , , , mask]) =>
      destination === "00000000" && mask === "00000000" && leads(flags),
  );
  // destination prefix source prefix next-hop metric refcnt use flags device
  const sixth = rows(ipv6).some(
    ([destination, prefix, , , , , , , flags]) =>
      /^0{32}$/.test(destination ?? "") && prefix === "00" && leads(flags),
  );
  return fourth || sixth;
}

/** The same for this network namespace, now. A table that cannot be read counts as a way out. */
export function readDefaultRoute(): boolean {
  try {
    return hasDefaultRoute(readFileSync("/proc/net/route", "utf8"), readIpv6Routes());
  } catch {
    // Fail closed: what cannot be checked is taken for open.
    return true;
  }
}

function readIpv6Routes(): string {
  try {
    return readFileSync("/proc/net/ipv6_route", "utf8");
  } catch (error) {
    // A kernel without IPv6 has no such table, and no such route.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
