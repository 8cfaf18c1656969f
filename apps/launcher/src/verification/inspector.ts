/** A running container, as the engine's list has it. */
export interface ListedContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly networks: readonly Attachment[];
  /** TCP ports that its image or its settings declare. */
  readonly ports: readonly number[];
}

export interface Attachment {
  readonly network: string;
  /** IPv4; empty where it has none. */
  readonly address: string;
  /** The machine's address on that network's bridge; empty where there is none. */
  readonly gateway: string;
}

export interface ContainerMount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  /** Of a named volume. */
  readonly volume: string | undefined;
}

/** What decides how far a container's walls reach. */
export interface ContainerFacts {
  readonly isRunning: boolean;
  readonly user: string;
  readonly privileged: boolean;
  readonly addedCapabilities: readonly string[];
  readonly droppedCapabilities: readonly string[];
  readonly securityOptions: readonly string[];
  readonly networkMode: string;
  readonly pidMode: string;
  readonly ipcMode: string;
  readonly utsMode: string;
  readonly usernsMode: string;
  readonly devices: number;
  readonly extraHosts: readonly string[];
  readonly publishedPorts: readonly string[];
  readonly mounts: readonly ContainerMount[];
  readonly networks: readonly string[];
}

export interface NetworkFacts {
  readonly internal: boolean;
  readonly ipv6: boolean;
}

/** What the launcher looks at of containers and networks, without changing any. Rejects with `EngineError`. */
export interface Inspector {
  listRunning(): Promise<readonly ListedContainer[]>;
  /** Undefined when there is no such container any more. */
  inspect(container: string): Promise<ContainerFacts | undefined>;
  inspectNetwork(name: string): Promise<NetworkFacts | undefined>;
}
