import type { Duplex } from "node:stream";
import type { ContainerSpec, MountSource } from "./create-container-spec.ts";
import type { NetworkSpec } from "./create-network-spec.ts";

/** A network as the engine lists it. */
export interface EngineNetwork {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In CIDR notation, of both families. */
  readonly subnets: readonly string[];
}

/** All that the launcher ever asks of a container engine. */
export interface Engine {
  isReachable(): Promise<boolean>;
  /** Content id of an image that the engine has, or undefined. */
  imageId(reference: string): Promise<string | undefined>;
  /** What is mounted at `target` in a container, or undefined when there is no such container or mount. */
  mountSource(container: string, target: string): Promise<MountSource | undefined>;
  /** Makes the volume unless it is there. */
  ensureVolume(name: string, labels: Readonly<Record<string, string>>): Promise<void>;
  createContainer(spec: ContainerSpec): Promise<string>;
  /** Stdin of the container, and its stdout and stderr as one multiplexed stream. */
  attach(container: string): Promise<Duplex>;
  start(container: string): Promise<void>;
  /** Kills the container if it runs, and removes it. One that is gone already is fine. */
  remove(container: string): Promise<void>;
  /** Containers that carry all of these labels, running or not. */
  listContainers(labels: readonly string[]): Promise<readonly string[]>;
  listNetworks(): Promise<readonly EngineNetwork[]>;
  /** Its id, or undefined when the range of addresses or the bridge's name is in use. */
  createNetwork(spec: NetworkSpec): Promise<string | undefined>;
  /** Removes the network from under whatever is connected to it. One that is gone already is fine. */
  removeNetwork(network: string): Promise<void>;
  /** Running or not. One that is connected already is fine. */
  connectNetwork(
    network: string,
    container: string,
    as: { readonly address: string; readonly alias: string },
  ): Promise<void>;
  /** Running or not. One that is not connected, or gone, is fine. */
  disconnectNetwork(network: string, container: string): Promise<void>;
}

/** The engine did not do what it was asked; `summary` may be shown to a caller. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly summary: string;

  constructor(summary: string, options?: ErrorOptions) {
    super(summary, options);
    this.summary = summary;
  }
}
