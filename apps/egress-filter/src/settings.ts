import { AgentId, ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

export const Settings = z.object({
  IDENTITY_DIR: z.string().default("/run/claws"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
  LISTEN_HOST: z.string().default(ENDPOINTS.egressForAgents.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.egressForAgents.port),
  SERVICES_LISTEN_HOST: z.string().default(ENDPOINTS.egressForServices.host),
  SERVICES_LISTEN_PORT: PortSetting.default(ENDPOINTS.egressForServices.port),
  AUDITOR_HOST: z.string().default(ENDPOINTS.auditor.host),
  AUDITOR_PORT: PortSetting.default(ENDPOINTS.auditor.port),
  /** Who is behind the agents' listener: the network holds one agent, so the network is its identity. */
  AGENT_ID: AgentId.default(AgentId.parse("main")),
  MAX_TUNNELS: z.coerce.number().int().min(1).max(10_000).default(256),
  IDLE_TIMEOUT_MS: z.coerce.number().int().min(1_000).max(3_600_000).default(300_000),
});
export type Settings = z.infer<typeof Settings>;
