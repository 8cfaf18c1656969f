import type { ServerName } from "@claws/contracts";
import { createLogger } from "@claws/service-kit";
import { createServerConnection, type ServerConnection } from "../upstream/server-connection.ts";
import { createToolCatalogue, type ToolCatalogue } from "../upstream/tool-catalogue.ts";
import { createFakeMcpServer, declare, type FakeMcpServer } from "./fake-mcp-server.ts";
import { MAIN, TEST_POLICY } from "./test-policy.ts";

export interface FakeCatalogue extends ToolCatalogue {
  readonly servers: Readonly<Record<string, FakeMcpServer>>;
}

const logger = createLogger("broker");
logger.level = "silent";

/** The catalogue and connections as they are, over servers in memory where containers would be. */
export function createFakeCatalogue(): FakeCatalogue {
  const servers: Record<string, FakeMcpServer> = {
    fs: createFakeMcpServer(declare("read_file", "write_file", "delete")),
    mail: createFakeMcpServer(declare("send", "echo", "burn")),
  };
  const connect = (server: ServerName): ServerConnection =>
    createServerConnection({
      screen: async () => undefined,
      server,
      agent: MAIN.agent,
      openStdio: async (name) => {
        const fake = servers[name];
        if (fake === undefined) throw new Error(`there is no ${name}`);
        return fake.start();
      },
      logger,
    });
  return { servers, ...createToolCatalogue({ policy: TEST_POLICY, connect, logger }) };
}
