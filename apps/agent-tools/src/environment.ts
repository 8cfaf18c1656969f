import { readFileSync } from "node:fs";

/** What the stack tells the agent's container: where the doors are, and its own token. */
export interface AgentEnvironment {
  readonly brokerUrl: string;
  readonly modelUrl: string;
  readonly proxyUrl: string;
  /** The model that the reference agent asks. */
  readonly model: string;
  readonly token: string;
}

/** Reads the environment that Compose sets in the agent's container. */
export function readAgentEnvironment(env: NodeJS.ProcessEnv): AgentEnvironment {
  return {
    brokerUrl: env["CLAWS_BROKER_URL"] ?? "http://broker:7000",
    modelUrl: env["CLAWS_MODEL_URL"] ?? "http://model-gateway:7001",
    proxyUrl: env["HTTP_PROXY"] ?? "http://agent-door:3128",
    model: env["CLAWS_MODEL"] ?? "mock-1",
    token: readFileSync(env["CLAWS_TOKEN_FILE"] ?? "/run/claws/token", "utf8").trim(),
  };
}
