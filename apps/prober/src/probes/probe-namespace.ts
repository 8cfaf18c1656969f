import { toAddress } from "../ipv4.ts";
import type { Evidence } from "../judge-closed.ts";
import type { Namespace } from "../namespace.ts";
import { type Finding, toFinding } from "./probe-group.ts";

/** What the kernel itself says of interfaces and routes. Judged after the attempts: ARP tells where a route leads. */
export function probeNamespace(
  namespace: Namespace,
  { neighbours }: Evidence,
  { networks }: { readonly networks: number },
): Finding[] {
  const devices = namespace.devices.filter((device) => device !== "lo");
  const gateways = namespace.routes
    .filter(({ gateway }) => gateway !== 0)
    .map(({ gateway }) => toAddress(gateway));
  // Engines before 25 leave a route to the bridge, which has no address: nobody takes what is sent there.
  const live = gateways.filter((gateway) => neighbours.get(gateway) !== "absent");
  return [
    toFinding(
      { id: "interfaces", tried: "/proc/net/dev", expected: `${networks} besides loopback` },
      { passed: devices.length === networks, happened: devices.join(", ") || "loopback alone" },
    ),
    toFinding(
      { id: "TOP-01", tried: "routes in /proc/net/route", expected: "none through a gateway that is there" },
      {
        passed: live.length === 0,
        happened:
          gateways.length === 0
            ? "no gateway"
            : gateways
                .map(
                  (gateway) =>
                    `${gateway}: ${live.includes(gateway) ? "not shown to be dead" : "nobody there"}`,
                )
                .join(", "),
      },
    ),
    toFinding(
      {
        id: "TOP-10-addresses",
        tried: "addresses and default routes in /proc/net/if_inet6 and ipv6_route",
        expected: "none but loopback's",
      },
      {
        passed: namespace.ipv6Devices.length === 0,
        happened: namespace.ipv6Devices.join(", ") || "loopback's alone",
      },
    ),
  ];
}
