import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Reply } from "./reply.ts";

/** Writes a reply to the agent, no faster than it reads. */
export async function sendReply(response: ServerResponse, reply: Reply, signal: AbortSignal): Promise<void> {
  if (reply.kind === "whole") {
    response.writeHead(reply.status, reply.headers).end(reply.body);
    return;
  }
  try {
    response.writeHead(200, reply.headers);
    for await (const chunk of reply.chunks) {
      if (signal.aborted) return;
      if (!response.write(chunk)) await once(response, "drain", { signal });
    }
    response.end();
  } catch (error) {
    // The headers are out: a broken stream is all that can still be said. An agent that left asked for it.
    response.destroy();
    if (!signal.aborted) throw error;
  }
}
