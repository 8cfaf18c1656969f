import { AgentId, type CompiledPolicy, LaunchableServers, ServerName, type ToolName } from "@claws/contracts";
import { ProblemError, type Logger, type ServiceClient } from "@claws/service-kit";
import type { ServerConnection } from "./server-connection.ts";
import type { ToolDefinition } from "./tool-definition.ts";

/** A tool that exists: its definition, and the server and image behind it. */
export interface CataloguedTool {
  readonly definition: ToolDefinition;
  readonly server: ServerName;
  readonly imageDigest: string;
  readonly connection: ServerConnection;
}

/** The tools of the policy's servers as each agent's own connections declare them. */
export interface ToolCatalogue {
  /** Undefined when no server of the profile offers it; throws ProblemError when the server cannot be asked. */
  find(agent: AgentId, tool: ToolName): Promise<CataloguedTool | undefined>;
  /** What can be listed now, in a stable order; servers that do not start are left out and logged. */
  list(agent: AgentId): Promise<readonly ToolDefinition[]>;
  close(): Promise<void>;
}

export interface CatalogueOptions {
  readonly policy: CompiledPolicy;
  readonly launcher: ServiceClient;
  readonly connect: (server: ServerName, agent: AgentId) => ServerConnection;
  readonly logger: Logger;
}

export function createToolCatalogue({ policy, launcher, connect, logger }: CatalogueOptions): ToolCatalogue {
  const servers = Object.keys(policy.servers).map((name) => ServerName.parse(name));
  const connections = new Map<string, ServerConnection>();
  let digests: Promise<ReadonlyMap<ServerName, string>> | undefined;

  const connectionOf = (agent: AgentId, server: ServerName): ServerConnection => {
    const key = `${agent}/${server}`;
    const existing = connections.get(key);
    if (existing !== undefined) return existing;
    const created = connect(server, agent);
    connections.set(key, created);
    return created;
  };

  const digestOfServer = async (server: ServerName): Promise<string> => {
    digests ??= readDigests(launcher);
    try {
      const digest = (await digests).get(server);
      if (digest !== undefined) return digest;
    } catch (error) {
      digests = undefined;
      throw error;
    }
    throw ProblemError.of("server_unavailable", {
      service: "launcher",
      detail: `${server}: the launcher does not know it`,
    });
  };

  return {
    async find(agent, tool) {
      const server = servers.find((name) => tool.startsWith(`${name}__`));
      if (server === undefined) return undefined;
      const connection = connectionOf(agent, server);
      const imageDigest = await digestOfServer(server);
      const definition = (await connection.tools()).get(tool);
      return definition && { definition, server, imageDigest, connection };
    },
    async list(agent) {
      const lists = await Promise.all(
        servers.map(async (server) => {
          try {
            return [...(await connectionOf(agent, server).tools()).values()];
          } catch (error) {
            if (!(error instanceof ProblemError)) throw error;
            logger.warn(
              { server, agent, code: error.problem.code, reason: error.problem.detail },
              "server not listed",
            );
            return [];
          }
        }),
      );
      return lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async close() {
      await Promise.all([...connections.values()].map((connection) => connection.close()));
    },
  };
}

async function readDigests(launcher: ServiceClient): Promise<ReadonlyMap<ServerName, string>> {
  const answer = await launcher.call(LaunchableServers, {
    method: "GET",
    path: "/v1/servers",
    timeoutMs: 10_000,
  });
  if (!answer.ok) throw new ProblemError(answer.problem);
  return new Map(answer.value.servers.map(({ name, imageDigest }) => [name, imageDigest]));
}
