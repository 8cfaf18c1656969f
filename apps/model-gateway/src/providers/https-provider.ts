import { createProblem } from "@claws/contracts";
import type { Agent } from "undici";
import { TunnelError } from "./egress-tunnel.ts";
import type { Provider, ProviderRequest, ProviderResult } from "./provider.ts";
import { readProviderKey } from "./read-provider-key.ts";

export interface HttpsProviderOptions {
  readonly agent: Agent;
  readonly secretsDirectory: string;
  readonly timeoutMs: number;
}

/** Of the provider's headers, what an agent may need. */
const RETURNED_HEADERS = ["content-type", "request-id", "x-request-id", "retry-after"];

/** Calls a provider over HTTPS through egress-filter, with the key that the agent never sees. */
export function createHttpsProvider({ agent, secretsDirectory, timeoutMs }: HttpsProviderOptions): Provider {
  return {
    async send({ dialect, spec, body, headers, isStreamed, signal }): Promise<ProviderResult> {
      const url = readUpstreamUrl(spec.baseUrl, dialect.path);
      if (url === undefined)
        return unavailable("unsent", `'${spec.baseUrl}' is not an https URL: correct models`);
      const key = spec.secret === undefined ? undefined : readProviderKey(secretsDirectory, spec.secret);
      if (key && !key.ok) return { outcome: "unsent", problem: key.problem };
      try {
        const response = await agent.request({
          origin: url.origin,
          path: url.pathname,
          method: "POST",
          headers: {
            ...dialect.fixedHeaders,
            ...headers,
            "content-type": "application/json",
            accept: isStreamed ? "text/event-stream" : "application/json",
            // What is compressed could be neither counted nor scanned.
            "accept-encoding": "identity",
            "user-agent": "sandbox-claws",
            ...(key ? dialect.createKeyHeader(key.key) : {}),
          },
          body: JSON.stringify(body),
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        const encoding = response.headers["content-encoding"] ?? "identity";
        if (encoding !== "identity") {
          response.body.destroy();
          return unavailable("failed", "the provider answered in an encoding that was not asked for");
        }
        return {
          outcome: "answered",
          status: response.statusCode,
          headers: chooseHeaders(response.headers),
          body: response.body,
        };
      } catch (error) {
        if (error instanceof TunnelError) return { outcome: "unsent", problem: error.problem };
        return unavailable("failed", `the provider did not answer: ${(error as Error).message}`);
      }
    },
  };
}

/** The address of a dialect's path under a base URL, whether that is given with or without `/v1`. */
export function readUpstreamUrl(baseUrl: string, path: ProviderRequest["dialect"]["path"]): URL | undefined {
  const url = URL.parse(baseUrl);
  if (url?.protocol !== "https:") return undefined;
  url.pathname = `${url.pathname.replace(/\/(?:v1\/?)?$/, "")}${path}`;
  return url;
}

function chooseHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    RETURNED_HEADERS.flatMap((name) => {
      const value = headers[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}

function unavailable(outcome: "unsent" | "failed", detail: string): ProviderResult {
  return { outcome, problem: createProblem("model_unavailable", { service: "model-gateway", detail }) };
}
