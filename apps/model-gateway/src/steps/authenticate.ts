import type { IncomingHttpHeaders } from "node:http";
import { type AgentIdentity, readBearerToken, type TokenVerifier } from "@claws/agent-token";
import type { CompiledPolicy } from "@claws/contracts";
import { refuse } from "./refuse.ts";

export type Authenticator = (headers: IncomingHttpHeaders) => Promise<AgentIdentity>;

/** OpenAI clients send their key as a bearer token, Anthropic clients as `x-api-key`; ours is an agent token. */
export function createAuthenticator(verify: TokenVerifier, agents: CompiledPolicy["agents"]): Authenticator {
  return async function authenticate(headers) {
    const apiKey = headers["x-api-key"];
    const token = readBearerToken(headers.authorization) ?? (typeof apiKey === "string" ? apiKey : undefined);
    if (token === undefined || token === "") {
      throw refuse("token_missing", "send the agent token as 'Authorization: Bearer …' or as 'x-api-key'");
    }
    const verdict = await verify(token);
    if (!verdict.ok) throw refuse("token_invalid", `the agent token was refused: ${verdict.reason}`);
    const { agent } = verdict.identity;
    if (!Object.hasOwn(agents, agent)) {
      throw refuse("agent_unknown", `add '${agent}' to the profile's agents`, { key: "agents" });
    }
    return verdict.identity;
  };
}
