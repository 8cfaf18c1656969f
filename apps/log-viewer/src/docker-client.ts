import { Agent, type IncomingMessage, request } from "node:http";
import { ProblemError } from "@claws/service-kit";
import * as z from "zod";

const LabelMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((labels) => labels ?? {});
const Listed = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()).nullish(),
    Image: z.string().default(""),
    State: z.string().default(""),
    Status: z.string().default(""),
    Labels: LabelMap,
  }),
);
const Inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  Config: z.object({ Tty: z.boolean().default(false) }),
});

export interface ContainerRow {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly image: string;
  readonly state: string;
  readonly status: string;
}

export interface FollowedLog {
  readonly body: IncomingMessage;
  /** A terminal's output comes as it is; any other is framed. */
  readonly isTerminal: boolean;
}

export interface DockerClient {
  listContainers(): Promise<readonly ContainerRow[]>;
  readName(id: string): Promise<string>;
  followLog(id: string): Promise<FollowedLog>;
  close(): void;
}

const HEAD_TIMEOUT_MS = 10_000;
const TAIL = 300;
const VERSION = "/v1.41";

/** The few calls of the Docker API that the viewer needs, by way of docker-api-filter. */
export function createDockerClient(dockerHost: string): DockerClient {
  const { hostname, port } = new URL(dockerHost);
  const agent = new Agent({ keepAlive: false });

  async function open(path: string): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = request({ hostname, port, agent, path: `${VERSION}${path}` });
    const timer = setTimeout(() => outgoing.destroy(new Error("no answer in 10 s")), HEAD_TIMEOUT_MS);
    outgoing.once("response", resolve);
    outgoing.on("error", (error) => reject(unavailable(error.message)));
    outgoing.end();
    const answer = await promise.finally(() => clearTimeout(timer));
    if (answer.statusCode === 200) return answer;
    answer.destroy();
    if (answer.statusCode === 404) {
      throw ProblemError.of("not_found", { service: "log-viewer", detail: "there is no such container" });
    }
    throw unavailable(`it answered ${answer.statusCode}`);
  }

  async function read<Shape extends z.ZodType>(schema: Shape, path: string): Promise<z.infer<Shape>> {
    const answer = await open(path);
    const chunks = await answer.toArray({ signal: AbortSignal.timeout(HEAD_TIMEOUT_MS) });
    return schema.parse(JSON.parse(Buffer.concat(chunks as Buffer[]).toString("utf8")));
  }

  return {
    async listContainers() {
      const listed = await read(Listed, "/containers/json?all=1");
      return listed
        .map(({ Id, Names, Image, State, Status, Labels }) => ({
          id: Id,
          name: Names?.[0]?.replace(/^\//, "") ?? Id.slice(0, 12),
          service: Labels["com.docker.compose.service"] ?? Labels["claws.server"] ?? "",
          image: Image,
          state: State,
          status: Status,
        }))
        .sort((one, other) => one.name.localeCompare(other.name));
    },
    readName: async (id) => (await read(Inspected, `/containers/${id}/json`)).Name.replace(/^\//, ""),
    async followLog(id) {
      const { Config } = await read(Inspected, `/containers/${id}/json`);
      const query = `follow=1&stderr=1&stdout=1&tail=${TAIL}&timestamps=1`;
      return { body: await open(`/containers/${id}/logs?${query}`), isTerminal: Config.Tty };
    },
    close: () => agent.destroy(),
  };
}

function unavailable(reason: string): ProblemError {
  return ProblemError.of("service_unavailable", {
    service: "log-viewer",
    detail: `docker-api-filter cannot be asked: ${reason}; see './claws status'`,
  });
}
