import { createServer } from "node:https";
import { createStackIdentities } from "@claws/certificates";
import { close, createServiceClient, listen, mutualTlsOptions } from "@claws/service-kit";
import type { MemoryLimiter } from "./memory-limiter.ts";

/** A rate-limiter behind real mutual TLS that can go away and come back. */
export async function startLimiter(limiter: MemoryLimiter) {
  const identityOf = await createStackIdentities();
  const state = { isAway: false };
  const server = createServer(mutualTlsOptions(await identityOf("rate-limiter")), (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (state.isAway) return void response.destroy();
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      response.end(JSON.stringify(limiter.answer(request.url ?? "", body)));
    });
  });
  const port = await listen(server, 0, "127.0.0.1");
  const identity = await identityOf("egress-filter");
  const client = createServiceClient({ target: "rate-limiter", host: "localhost", port, identity });
  return {
    client,
    state,
    stop: async () => {
      await client.close();
      server.closeAllConnections();
      await close(server, 0);
    },
  };
}
