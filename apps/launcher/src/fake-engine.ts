import { Duplex, PassThrough } from "node:stream";
import type { ContainerSpec } from "./create-container-spec.ts";
import type { NetworkSpec } from "./create-network-spec.ts";
import { type Engine, EngineError, type EngineNetwork } from "./engine.ts";

export const FAKE_IMAGE_ID = `sha256:${"a".repeat(64)}`;

/** For tests: an engine in memory whose containers answer on stdout what they read on stdin, in upper case. */
export class FakeEngine implements Engine {
  readonly specs: ContainerSpec[] = [];
  readonly running = new Map<string, { stdin: PassThrough; output: PassThrough }>();
  leftovers: string[] = [];
  failing: string | undefined;
  /** Networks by id, each with the containers in it. */
  readonly networks = new Map<string, EngineNetwork & { readonly spec: NetworkSpec; members: string[] }>();
  filters = ["egress-filter-1"];
  removals = 0;

  private check(step: string): void {
    if (this.failing === step || this.failing === "all") {
      throw new EngineError("the Docker engine at /var/run/docker.sock does not answer (ECONNREFUSED)");
    }
  }
  async isReachable() {
    this.check("ping");
    return true;
  }
  async imageId() {
    this.check("image");
    return FAKE_IMAGE_ID;
  }
  async mountSource() {
    return undefined;
  }
  async ensureVolume() {}
  async createContainer(spec: ContainerSpec) {
    this.check("create");
    const id = `container-${this.specs.push(spec)}`;
    this.running.set(id, { stdin: new PassThrough(), output: new PassThrough() });
    return id;
  }
  async attach(id: string) {
    const { stdin, output } = this.get(id);
    stdin.on("data", (chunk: Buffer) => this.say(id, 1, chunk.toString().toUpperCase()));
    return Duplex.from({ writable: stdin, readable: output });
  }
  async start() {
    this.check("start");
  }
  async remove(id: string) {
    this.removals += 1;
    this.check("remove");
    this.leftovers = this.leftovers.filter((leftover) => leftover !== id);
    this.running.get(id)?.output.end();
    this.running.delete(id);
  }
  async listContainers(labels: readonly string[]) {
    this.check("list");
    return labels.includes("com.docker.compose.service=egress-filter") ? this.filters : this.leftovers;
  }
  async listNetworks() {
    return [...this.networks.values()];
  }
  async createNetwork(spec: NetworkSpec) {
    this.check("network");
    const subnets = (spec.IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []);
    const isTaken = [...this.networks.values()].some((network) =>
      network.subnets.some((s) => subnets.includes(s)),
    );
    if (isTaken) return undefined;
    const id = `network-${spec.Name}`;
    this.networks.set(id, { id, name: spec.Name, labels: spec.Labels ?? {}, subnets, spec, members: [] });
    return id;
  }
  async removeNetwork(id: string) {
    this.check("network removal");
    this.networks.delete(id);
  }
  async connectNetwork(id: string, container: string, as: { address: string; alias: string }) {
    this.check("connect");
    this.networks.get(id)?.members.push(`${container} ${as.alias} ${as.address}`);
  }
  async disconnectNetwork(id: string, container: string) {
    const network = this.networks.get(id);
    if (network) network.members = network.members.filter((member) => !member.startsWith(`${container} `));
  }
  get(id: string) {
    const container = this.running.get(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    return container;
  }
  say(id: string, kind: number, content: string): void {
    const header = Buffer.alloc(8);
    header.writeUInt8(kind, 0);
    header.writeUInt32BE(Buffer.byteLength(content), 4);
    this.get(id).output.write(Buffer.concat([header, Buffer.from(content)]));
  }
}
