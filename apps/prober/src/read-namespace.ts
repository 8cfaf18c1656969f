import { readFileSync } from "node:fs";
import {
  type Namespace,
  parseArp,
  parseDevices,
  parseIpv6Addresses,
  parseIpv6DefaultDevices,
  parseRoutes,
} from "./namespace.ts";

export function readNamespace(): Namespace {
  const ipv6 = [
    ...parseIpv6Addresses(readIpv6("/proc/net/if_inet6")).map(({ device }) => device),
    ...parseIpv6DefaultDevices(readIpv6("/proc/net/ipv6_route")),
  ];
  return {
    devices: parseDevices(readFileSync("/proc/net/dev", "utf8")),
    routes: parseRoutes(readFileSync("/proc/net/route", "utf8")),
    ipv6Devices: [...new Set(ipv6)].filter((device) => device !== "lo"),
  };
}

export function readArp(): ReturnType<typeof parseArp> {
  return parseArp(readFileSync("/proc/net/arp", "utf8"));
}

/** A kernel without IPv6 has no such files. */
function readIpv6(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
