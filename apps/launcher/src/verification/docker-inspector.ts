import Docker from "dockerode";
import * as z from "zod";
import { EngineError } from "../engine.ts";
import type { ContainerFacts, Inspector, ListedContainer, NetworkFacts } from "./inspector.ts";

/** The oldest engine that we support is 20.10; newer ones still speak its API. */
const API_VERSION = "v1.41";
const TIMEOUT_MS = 10_000;

/** Engines leave out what is empty, or say null. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
const things = z
  .array(z.unknown())
  .nullish()
  .transform((value) => value?.length ?? 0);
const recordOf = <Value extends z.ZodType>(value: Value) =>
  z
    .record(z.string(), value)
    .nullish()
    .transform((record): Record<string, z.infer<Value>> => record ?? {});

const Endpoint = z.object({ IPAddress: text, Gateway: text });
const Listed = z.array(
  z.object({
    Id: z.string(),
    Names: texts,
    Labels: recordOf(z.string()),
    Ports: z
      .array(z.object({ PrivatePort: z.int(), Type: z.string() }))
      .nullish()
      .transform((ports) => ports ?? []),
    NetworkSettings: z.object({ Networks: recordOf(Endpoint) }).nullish(),
  }),
);

const Inspected = z.object({
  State: z.object({ Running: z.boolean() }),
  Config: z.object({ User: text }),
  HostConfig: z.object({
    Privileged: z.boolean(),
    CapAdd: texts,
    CapDrop: texts,
    SecurityOpt: texts,
    NetworkMode: text,
    PidMode: text,
    IpcMode: text,
    UTSMode: text,
    UsernsMode: text,
    Devices: things,
    ExtraHosts: texts,
    PortBindings: recordOf(z.unknown()),
  }),
  Mounts: z
    .array(z.object({ Type: text, Source: text, Destination: text, Name: z.string().optional() }))
    .nullish()
    .transform((mounts) => mounts ?? []),
  NetworkSettings: z.object({ Networks: recordOf(z.unknown()) }),
});

const InspectedNetwork = z.object({ Internal: z.boolean(), EnableIPv6: z.boolean() });

/** Looks through the engine's Unix socket. What it cannot read as expected is an `EngineError`, never a guess. */
export function createDockerInspector(socketPath: string): Inspector {
  // An empty `host` keeps DOCKER_HOST of the environment out.
  const docker = new Docker({ socketPath, host: "", version: API_VERSION, timeout: TIMEOUT_MS });

  async function ask<Shape extends z.ZodType>(
    what: string,
    shape: Shape,
    answer: Promise<unknown>,
  ): Promise<z.infer<Shape> | undefined> {
    try {
      return shape.parse(await answer);
    } catch (error) {
      if ((error as { statusCode?: unknown }).statusCode === 404) return undefined;
      const summary = `the Docker engine at ${socketPath} could not ${what}: see the log of launcher`;
      throw new EngineError(summary, { cause: error });
    }
  }

  return {
    async listRunning() {
      return ((await ask("list containers", Listed, docker.listContainers())) ?? []).map(readListed);
    },
    async inspect(container) {
      const found = await ask("look at a container", Inspected, docker.getContainer(container).inspect());
      return found === undefined ? undefined : readFacts(found);
    },
    async inspectNetwork(name) {
      const found = await ask("look at a network", InspectedNetwork, docker.getNetwork(name).inspect());
      return found === undefined ? undefined : readNetwork(found);
    },
  };
}

function readListed(listed: z.infer<typeof Listed>[number]): ListedContainer {
  const { Id: id, Names: names, Labels: labels, Ports: ports } = listed;
  return {
    id,
    labels,
    name: (names[0] ?? id.slice(0, 12)).replace(/^\//, ""),
    ports: ports.filter(({ Type: type }) => type === "tcp").map(({ PrivatePort: port }) => port),
    networks: Object.entries(listed.NetworkSettings?.Networks ?? {}).map(
      ([network, { IPAddress: address, Gateway: gateway }]) => ({ network, address, gateway }),
    ),
  };
}

function readFacts({
  State,
  Config,
  HostConfig,
  Mounts,
  NetworkSettings,
}: z.infer<typeof Inspected>): ContainerFacts {
  return {
    isRunning: State.Running,
    user: Config.User,
    privileged: HostConfig.Privileged,
    addedCapabilities: HostConfig.CapAdd,
    droppedCapabilities: HostConfig.CapDrop,
    securityOptions: HostConfig.SecurityOpt,
    networkMode: HostConfig.NetworkMode,
    pidMode: HostConfig.PidMode,
    ipcMode: HostConfig.IpcMode,
    utsMode: HostConfig.UTSMode,
    usernsMode: HostConfig.UsernsMode,
    devices: HostConfig.Devices,
    extraHosts: HostConfig.ExtraHosts,
    publishedPorts: Object.keys(HostConfig.PortBindings),
    mounts: Mounts.map(({ Type: type, Source: source, Destination: target, Name: volume }) => ({
      type,
      source,
      target,
      volume,
    })),
    networks: Object.keys(NetworkSettings.Networks),
  };
}

function readNetwork({
  Internal: internal,
  EnableIPv6: ipv6,
}: z.infer<typeof InspectedNetwork>): NetworkFacts {
  return { internal, ipv6 };
}
