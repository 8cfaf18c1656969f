import { Duplex, PassThrough } from "node:stream";
import type { ContainerSpec } from "./create-container-spec.ts";
import { type Engine, EngineError } from "./engine.ts";

export const FAKE_IMAGE_ID = `sha256:${"a".repeat(64)}`;

/** For tests: an engine in memory whose containers answer on stdout what they read on stdin, in upper case. */
export class FakeEngine implements Engine {
  readonly specs: ContainerSpec[] = [];
  readonly running = new Map<string, { stdin: PassThrough; output: PassThrough }>();
  leftovers: string[] = [];
  failing: string | undefined;
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
  async listContainers() {
    this.check("list");
    return this.leftovers;
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
