import { AgentId, ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

export const Settings = z.object({
  LISTEN_HOST: z.string().default("agent-door.agent"),
  LISTEN_PORT: PortSetting.default(3128),
  /** egress-filter's listener for this agent's network. */
  UPSTREAM_HOST: z.string().default(ENDPOINTS.egressForAgents.host),
  UPSTREAM_PORT: PortSetting.default(ENDPOINTS.egressForAgents.port),
  TOKEN_FILE: z.string().default("/run/claws/token"),
  /** Whose token it is. */
  AGENT_ID: AgentId.default(AgentId.parse("main")),
});
export type Settings = z.infer<typeof Settings>;
