import { describe, expect, it } from "vitest";
import { Settings } from "./settings.ts";

describe("what the launcher tells", () => {
  it("is read", () => {
    const { DOORS, HOST_ADDRESSES, NEIGHBOURS } = Settings.parse({
      FROM: "agent:main",
      DOORS: "broker=172.18.0.3:7000,egress-filter on x=172.18.0.4:3128+53",
      HOST_ADDRESSES: "172.17.0.1,172.18.0.1",
    });
    expect(DOORS).toEqual([
      { name: "broker", address: "172.18.0.3", ports: [7000] },
      { name: "egress-filter on x", address: "172.18.0.4", ports: [3128, 53] },
    ]);
    expect(HOST_ADDRESSES).toEqual(["172.17.0.1", "172.18.0.1"]);
    expect(NEIGHBOURS).toEqual([]);
  });

  it.each([
    [{ DOORS: "broker=172.18.0.3" }],
    [{ DOORS: "broker=172.18.0.300:1" }],
    [{ DOORS: "broker=172.18.0.3:70000" }],
    [{ DOORS: "broker=evil.example:80" }],
    [{ HOST_ADDRESSES: "evil.example" }],
    [{ DECOY_PORT: "0" }],
    [{ NETWORKS: "2" }],
    [{ FROM: "host:x" }],
  ])("is refused as %j", (wrong) => {
    expect(Settings.safeParse({ FROM: "agent:main", ...wrong }).success).toBe(false);
  });
});
