import { describe, expect, it } from "vitest";
import { SOUND_FACTS } from "./fake-inspector.ts";
import type { ContainerFacts, NetworkFacts } from "./inspector.ts";
import { judgeContainer, type Surroundings } from "./judge-container.ts";
import type { Vantage } from "./vantage.ts";

const container = { id: "a", name: "claws-agent-1", labels: {}, networks: [], ports: [] };
const AGENT: Vantage = { from: "agent:main", kind: "agent", container, network: "claws_agent" };
const SERVER: Vantage = { from: "server:fs", kind: "server", container, network: undefined };
const SOUND: Surroundings = {
  vantage: AGENT,
  facts: SOUND_FACTS,
  network: { internal: true, ipv6: false },
  members: ["broker", "egress-filter", "model-gateway"],
  allowedMembers: ["broker", "egress-filter", "model-gateway", "agent-door"],
};
const failedOf = (surroundings: Surroundings) =>
  judgeContainer(surroundings)
    .filter(({ passed }) => !passed)
    .map(({ id, happened }) => `${id}: ${happened}`);
const withFacts = (change: Partial<ContainerFacts>) =>
  failedOf({ ...SOUND, facts: { ...SOUND_FACTS, ...change } });

describe("a container as it is made", () => {
  it("of an agent has every wall", () => {
    expect(failedOf(SOUND)).toEqual([]);
    expect(judgeContainer(SOUND).map(({ id, from }) => `${from} ${id}`)).toEqual([
      "agent:main agent-networks",
      "agent:main agent-network-members",
      "agent:main agent-network-settings",
      "agent:main agent-mounts",
      "agent:main agent-privileges",
    ]);
  });

  it("of a server without a grant is on no network", () => {
    const facts = { ...SOUND_FACTS, networkMode: "none", networks: ["none"] };
    expect(failedOf({ ...SOUND, vantage: SERVER, facts, members: [] })).toEqual([]);
    expect(failedOf({ ...SOUND, vantage: SERVER, members: [] })).toEqual(["server-networks: claws_agent"]);
  });
});

describe("a hole", () => {
  it.each<[string, Partial<ContainerFacts>, string]>([
    ["a second network", { networks: ["bridge", "claws_agent"] }, "agent-networks: bridge and claws_agent"],
    ["another network", { networks: ["bridge"] }, "agent-networks: bridge"],
    ["no network", { networks: [] }, "agent-networks: none"],
    [
      "the machine's network",
      { networkMode: "host", networks: ["host"] },
      "agent-networks: network mode host",
    ],
    [
      "another's namespace",
      { networkMode: "container:abc", networks: [] },
      "agent-networks: network mode container:abc",
    ],
    ["privileged", { privileged: true }, "agent-privileges: privileged"],
    [
      "capabilities kept",
      { droppedCapabilities: ["NET_RAW"] },
      "agent-privileges: capabilities are not dropped",
    ],
    ["raw sockets", { addedCapabilities: ["NET_RAW"] }, "agent-privileges: capability NET_RAW"],
    ["new privileges", { securityOptions: [] }, "agent-privileges: may gain privileges"],
    [
      "no seccomp",
      { securityOptions: ["no-new-privileges", "seccomp=unconfined"] },
      "agent-privileges: unconfined",
    ],
    ["the machine's processes", { pidMode: "host" }, "agent-privileges: pid host"],
    ["the machine's memory", { ipcMode: "host" }, "agent-privileges: ipc host"],
    ["a device", { devices: 1 }, "agent-privileges: 1 devices"],
    [
      "the machine by name",
      { extraHosts: ["host:host-gateway"] },
      "agent-privileges: extra host host:host-gateway",
    ],
    ["a published port", { publishedPorts: ["80/tcp"] }, "agent-privileges: publishes 80/tcp"],
    ["root", { user: "" }, "agent-privileges: runs as root"],
    ["root with a group", { user: "0:1000" }, "agent-privileges: runs as root"],
  ])("is found: %s", (_what, change, expected) => expect(withFacts(change)).toEqual([expected]));

  it.each([
    ["bind", "/var/run/docker.sock", "/var/run/docker.sock"],
    ["bind", "/run/user/1000/docker.sock", "/tmp/x"],
    ["volume", "/var/lib/docker/volumes/x/_data", "/docker.sock"],
    ["bind", "/", "/host"],
    ["bind", "/run", "/mnt"],
    ["bind", "/proc", "/mnt"],
    ["bind", "/var/lib/docker", "/mnt"],
    ["bind", "/run/containerd/containerd.sock", "/c.sock"],
  ])("is found: %s of %s at %s", (type, source, target) => {
    expect(withFacts({ mounts: [{ type, source, target, volume: undefined }] })).toEqual([
      `agent-mounts: ${source} at ${target}`,
    ]);
  });

  it.each<[string, NetworkFacts | undefined, string]>([
    ["a network that is not internal", { internal: false, ipv6: false }, "not internal"],
    ["IPv6", { internal: true, ipv6: true }, "IPv6"],
    ["a network that is gone", undefined, "the network is not there"],
  ])("is found: %s", (_what, network, happened) => {
    expect(failedOf({ ...SOUND, network })).toEqual([`agent-network-settings: ${happened}`]);
  });

  it("is found: somebody else on the network", () => {
    const members = ["broker", "container broker"];
    expect(failedOf({ ...SOUND, members })).toEqual(["agent-network-members: container broker is there too"]);
  });
});
