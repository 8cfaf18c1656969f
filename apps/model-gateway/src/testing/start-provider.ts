import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { close, listen, type ServiceIdentity } from "@claws/service-kit";

export interface ProviderCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

export interface ProviderStandIn {
  readonly port: number;
  readonly calls: ProviderCall[];
  /** Set by each test. */
  answer: (response: ServerResponse, call: ProviderCall) => void;
  close(): Promise<void>;
}

async function readCall(request: IncomingMessage): Promise<ProviderCall> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk as string;
  const body = JSON.parse(text) as Record<string, unknown>;
  return { path: request.url ?? "", headers: request.headers, body };
}

/** Stands in for a model provider: HTTPS with a certificate of an authority of its own. */
export async function startProvider({ cert, key }: ServiceIdentity): Promise<ProviderStandIn> {
  const calls: ProviderCall[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    const reply = async () => {
      const call = await readCall(request);
      calls.push(call);
      standIn.answer(response, call);
    };
    void reply();
  });
  const standIn: ProviderStandIn = {
    port: await listen(server, 0, "127.0.0.1"),
    calls,
    answer: (response) => void response.writeHead(500).end(),
    async close() {
      server.closeAllConnections();
      await close(server, 100);
    },
  };
  return standIn;
}
