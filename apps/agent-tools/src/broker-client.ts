import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { AgentEnvironment } from "./environment.ts";

/** The official MCP client, connected to the broker with this agent's token. */
export async function connectToBroker({ brokerUrl, token }: AgentEnvironment, name: string): Promise<Client> {
  const client = new Client({ name, version: "1" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL("/mcp", brokerUrl), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  return client;
}
