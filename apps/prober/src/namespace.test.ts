import { describe, expect, it } from "vitest";
import {
  parseArp,
  parseDevices,
  parseIpv6Addresses,
  parseIpv6DefaultDevices,
  parseRoutes,
} from "./namespace.ts";

/** As a container on an internal network of engine 20.10 shows them. */
const ROUTE = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	014DD50A	0003	0	0	0	00000000	0	0	0
eth0	004DD50A	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth1	0000FEA9	00000000	0000	0	0	0	0000FFFF	0	0	0
`;
const DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  eth0: 1116       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
`;
const ARP = `IP address       HW type     Flags       HW address            Mask     Device
10.213.77.254    0x1         0x0         00:00:00:00:00:00     *        eth0
10.213.77.2      0x1         0x2         02:42:0a:d5:4d:02     *        eth0
`;
const IF_INET6 = `00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000004200fffe110002 02 40 20 80     eth0
`;
const ROUTE6 = `00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1
`;

describe("what the kernel says", () => {
  it("of routes: those that are up, in numbers", () => {
    expect(parseRoutes(ROUTE)).toEqual([
      { device: "eth0", destination: 0, gateway: 0x0a_d5_4d_01, mask: 0 },
      { device: "eth0", destination: 0x0a_d5_4d_00, gateway: 0, mask: 0xff_ff_ff_00 },
    ]);
  });

  it("of interfaces", () => expect(parseDevices(DEV)).toEqual(["lo", "eth0"]));

  it("of who is on the link", () => {
    expect([...parseArp(ARP)]).toEqual([
      ["10.213.77.254", "absent"],
      ["10.213.77.2", "present"],
    ]);
  });

  it("of IPv6", () => {
    expect(parseIpv6Addresses(IF_INET6).map(({ device }) => device)).toEqual(["lo", "eth0"]);
    expect(parseIpv6DefaultDevices(ROUTE6)).toEqual(["lo", "eth0"]);
  });

  it("of nothing at all", () => {
    for (const parse of [parseRoutes, parseDevices, parseIpv6Addresses, parseIpv6DefaultDevices])
      expect(parse("")).toEqual([]);
    expect(parseArp("").size).toBe(0);
  });
});
