import type { Duplex } from "node:stream";
import Docker from "dockerode";
import { type Engine, EngineError } from "./engine.ts";

/** The oldest engine that we support is 20.10; newer ones still speak its API. */
const API_VERSION = "v1.41";
const TIMEOUT_MS = 10_000;

/**
 * Answers that the engine tells apart by their words alone: their status differs between its versions, and is
 * that of other failures too.
 */
const IN_USE = /overlap|bridge name|conflicts with network/i;
const ALREADY_IN = /already (exists in|attached to) network/i;
const NOT_IN = /is not connected to/i;

/** The engine behind a Unix socket. Every failure becomes an `EngineError` that names it. */
export function createDockerEngine(socketPath: string): Engine {
  // An empty `host` keeps DOCKER_HOST of the environment out.
  const docker = new Docker({ socketPath, host: "", version: API_VERSION, timeout: TIMEOUT_MS });

  async function ask<Value>(what: string, answer: Promise<Value>): Promise<Value> {
    try {
      return await answer;
    } catch (error) {
      throw explain(error, what, socketPath);
    }
  }

  async function disconnect(network: string, container: string): Promise<void> {
    const answer = docker.getNetwork(network).disconnect({ Container: container, Force: true });
    await ask("disconnect a container from a network", unlessSaid(NOT_IN, unlessStatus([404], answer)));
  }

  return {
    async isReachable() {
      return (await ask("answer a ping", docker.ping())).toString() === "OK";
    },
    async imageId(reference) {
      const image = await ask(
        `look at image ${reference}`,
        unlessStatus([404], docker.getImage(reference).inspect()),
      );
      return image?.Id;
    },
    async mountSource(container, target) {
      const info = await ask(
        `look at container ${container}`,
        unlessStatus([404], docker.getContainer(container).inspect()),
      );
      const mount = info?.Mounts.find(({ Destination }) => Destination === target);
      if (mount?.Type === "bind") return { type: "bind", source: mount.Source };
      if (mount?.Type === "volume" && mount.Name) return { type: "volume", source: mount.Name };
      return undefined;
    },
    async ensureVolume(name, labels) {
      await ask(`make volume ${name}`, docker.createVolume({ Name: name, Labels: { ...labels } }));
    },
    async createContainer(spec) {
      return (await ask("create a container", docker.createContainer(spec))).id;
    },
    async attach(container) {
      const options = { stream: true, hijack: true, stdin: true, stdout: true, stderr: true };
      const stream = await ask("attach to a container", docker.getContainer(container).attach(options));
      // The timeout of the request would otherwise end a server that is silent for that long.
      const socket = stream as Duplex & { setTimeout(ms: number): void };
      socket.setTimeout(0);
      return socket;
    },
    async start(container) {
      await ask("start a container", docker.getContainer(container).start());
    },
    async remove(container) {
      // 409: the engine is removing it already, because it ended (AutoRemove).
      const removal = docker.getContainer(container).remove({ force: true, v: true });
      await ask("remove a container", unlessStatus([404, 409], removal));
    },
    async listContainers(labels) {
      const options = { all: true, filters: { label: [...labels] } };
      return (await ask("list containers", docker.listContainers(options))).map(({ Id }) => Id);
    },
    async listNetworks() {
      return (await ask("list networks", docker.listNetworks())).map(({ Id, Name, Labels, IPAM }) => ({
        id: Id,
        name: Name,
        labels: Labels ?? {},
        subnets: (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
      }));
    },
    async createNetwork(spec) {
      const creation = unlessSaid(IN_USE, docker.createNetwork(spec));
      return (await ask(`make network ${spec.Name}`, creation))?.id;
    },
    async removeNetwork(id) {
      const network = docker.getNetwork(id);
      const info = await ask("look at a network", unlessStatus([404], network.inspect()));
      for (const container of Object.keys(info?.Containers ?? {})) await disconnect(id, container);
      await ask("remove a network", unlessStatus([404], network.remove()));
    },
    async connectNetwork(network, container, { address, alias }) {
      const EndpointConfig = { IPAMConfig: { IPv4Address: address }, Aliases: [alias] };
      const connection = docker.getNetwork(network).connect({ Container: container, EndpointConfig });
      await ask("connect a container to a network", unlessSaid(ALREADY_IN, connection));
    },
    disconnectNetwork: disconnect,
  };
}

function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown }).statusCode;
  return typeof status === "number" ? status : undefined;
}

async function unlessStatus<Value>(statuses: number[], answer: Promise<Value>): Promise<Value | undefined> {
  try {
    return await answer;
  } catch (error) {
    const status = statusOf(error);
    if (status !== undefined && statuses.includes(status)) return undefined;
    throw error;
  }
}

async function unlessSaid<Value>(words: RegExp, answer: Promise<Value>): Promise<Value | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) !== undefined && error instanceof Error && words.test(error.message))
      return undefined;
    throw error;
  }
}

function explain(error: unknown, what: string, socketPath: string): EngineError {
  const status = statusOf(error);
  if (status !== undefined) {
    const summary = `the Docker engine could not ${what} (HTTP ${status}): see the log of launcher`;
    return new EngineError(summary, { cause: error });
  }
  const { code = "no answer" } = error as NodeJS.ErrnoException;
  const summary = `the Docker engine at ${socketPath} does not answer (${code}): start it, then try again`;
  return new EngineError(summary, { cause: error });
}
