import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, test, vi } from "vitest";
import { hasDefaultRoute } from "./default-route.ts";
import { hasOnlyLoopback, type Interfaces, watchNetwork } from "./network-watch.ts";

const HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
const OWN = "eth0\t000014AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
const DEFAULT = "eth0\t00000000\t010014AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
const REJECT = "*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0\n";
const HALF = "eth0\t00000000\t010014AC\t0003\t0\t0\t0\t00000080\t0\t0\t0\n";
const ZERO = "0".repeat(32);
const DEFAULT_6 = `${ZERO} 00 ${ZERO} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n`;
const REJECT_6 = `${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 00000001 00000000 00200200       lo\n`;
const LOOPBACK_6 = `${ZERO.slice(1)}1 80 ${ZERO} 00 ${ZERO} 00000000 00000003 00000000 80200001       lo\n`;

describe("a default route is seen", () => {
  test.each([
    ["none", "", "", false],
    ["only the own network", HEAD + OWN, "", false],
    ["IPv4", HEAD + DEFAULT + OWN, "", true],
    ["IPv4, after others", HEAD + OWN + DEFAULT, "", true],
    ["one that rejects", HEAD + REJECT, "", false],
    ["half of the address space is no default route", HEAD + HALF, "", false],
    ["IPv6", HEAD + OWN, LOOPBACK_6 + DEFAULT_6, true],
    ["IPv6 that rejects", HEAD + OWN, LOOPBACK_6 + REJECT_6, false],
  ])("%s", (_what, ipv4, ipv6, found) => {
    expect(hasDefaultRoute(ipv4, ipv6)).toBe(found);
  });
});

const at = (internal: boolean) => ({ internal }) as NetworkInterfaceInfo;

describe("only loopback is left", () => {
  test.each<[string, Interfaces, boolean]>([
    ["nothing at all", {}, true],
    ["lo", { lo: [at(true)] }, true],
    ["lo and eth0", { lo: [at(true)], eth0: [at(false)] }, false],
    ["eth0 without address", { lo: [at(true)], eth0: undefined }, true],
  ])("%s", (_what, interfaces, lost) => {
    expect(hasOnlyLoopback(interfaces)).toBe(lost);
  });
});

test("losing the network is told once", () => {
  vi.useFakeTimers();
  const onLost = vi.fn<() => void>();
  let interfaces: Interfaces = { lo: [at(true)], eth0: [at(false)] };
  watchNetwork({ readInterfaces: () => interfaces, onLost, everyMs: 5_000 });
  vi.advanceTimersByTime(20_000);
  expect(onLost).not.toHaveBeenCalled();
  interfaces = { lo: [at(true)] };
  vi.advanceTimersByTime(4_999);
  vi.advanceTimersByTime(20_000);
  expect(onLost).toHaveBeenCalledTimes(1);
  vi.useRealTimers();
});
