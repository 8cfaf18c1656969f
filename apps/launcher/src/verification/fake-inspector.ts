import type { ContainerFacts, Inspector, ListedContainer, NetworkFacts } from "./inspector.ts";

/** A container as it is created for an agent, with nothing wrong. */
export const SOUND_FACTS: ContainerFacts = {
  isRunning: true,
  user: "10001:10001",
  privileged: false,
  addedCapabilities: [],
  droppedCapabilities: ["ALL"],
  securityOptions: ["no-new-privileges:true"],
  networkMode: "claws_agent",
  pidMode: "",
  ipcMode: "private",
  utsMode: "",
  usernsMode: "",
  devices: 0,
  extraHosts: [],
  publishedPorts: [],
  mounts: [
    {
      type: "volume",
      source: "/var/lib/docker/volumes/keys/_data",
      target: "/run/claws",
      volume: "claws_keys-agent-main",
    },
    { type: "bind", source: "/home/somebody/project", target: "/workspace", volume: undefined },
  ],
  networks: ["claws_agent"],
};

/** For tests: what an engine would tell of a stack; a test changes what it is about. */
export class FakeInspector implements Inspector {
  containers: ListedContainer[] = [];
  facts = new Map<string, ContainerFacts>();
  network: NetworkFacts | undefined = { internal: true, ipv6: false };

  async listRunning() {
    return this.containers;
  }
  async inspect(container: string) {
    return this.facts.get(container);
  }
  async inspectNetwork() {
    return this.network;
  }
}
