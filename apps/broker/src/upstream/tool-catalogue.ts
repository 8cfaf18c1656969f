import { type AgentId, type CompiledPolicy, ServerName, type ToolName } from "@claws/contracts";
import { ProblemError, type Logger } from "@claws/service-kit";
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
  readonly connect: (server: ServerName, agent: AgentId) => ServerConnection;
  readonly logger: Logger;
}

export function createToolCatalogue({ policy, connect, logger }: CatalogueOptions): ToolCatalogue {
  const servers = Object.keys(policy.servers).map((name) => ServerName.parse(name));
  const connections = new Map<string, ServerConnection>();

  const connectionOf = (agent: AgentId, server: ServerName): ServerConnection => {
    const key = `${agent}/${server}`;
    const existing = connections.get(key);
    if (existing !== undefined) return existing;
    const created = connect(server, agent);
    connections.set(key, created);
    return created;
  };

  return {
    async find(agent, tool) {
      const server = servers.find((name) => tool.startsWith(`${name}__`));
      if (server === undefined) return undefined;
      const connection = connectionOf(agent, server);
      const { imageDigest, tools } = await connection.describe();
      const definition = tools.get(tool);
      return definition && { definition, server, imageDigest, connection };
    },
    async list(agent) {
      const lists = await Promise.all(
        servers.map(async (server) => {
          try {
            return [...(await connectionOf(agent, server).describe()).tools.values()];
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
