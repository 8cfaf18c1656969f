import type { Route } from "./namespace.ts";

/** `10.0.0.1` as a number. */
export function toNumber(address: string): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

/** The first and the last address of the subnet that an interface is in: where a gateway would be. */
export function edgesOf(address: string, netmask: string): string[] {
  const mask = toNumber(netmask) >>> 0;
  const network = (toNumber(address) & mask) >>> 0;
  const broadcast = (network | ~mask) >>> 0;
  return broadcast - network < 2 ? [] : [toAddress(network + 1), toAddress(broadcast - 1)];
}

/** Whom the kernel would hand a packet for this address first; undefined where it knows no way. */
export function nextHopOf(address: string, routes: readonly Route[]): string | undefined {
  const value = toNumber(address);
  const [best] = routes
    .filter(({ destination, mask }) => (value & mask) >>> 0 === destination)
    .sort((one, other) => other.mask - one.mask);
  if (best === undefined) return undefined;
  return best.gateway === 0 ? address : toAddress(best.gateway);
}
