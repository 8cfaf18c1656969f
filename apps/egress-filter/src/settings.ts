import { AgentId, ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

export const Settings = z.object({
  IDENTITY_DIR: z.string().default("/run/claws"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
  /** Destinations that people allowed for good while the stack ran; written by approval-gateway. */
  OVERLAY_FILE: z.string().default("/overlay/egress.json"),
  STATE_DIR: z.string().default("/state"),
  LISTEN_HOST: z.string().default(ENDPOINTS.egressForAgents.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.egressForAgents.port),
  SERVICES_LISTEN_HOST: z.string().default(ENDPOINTS.egressForServices.host),
  SERVICES_LISTEN_PORT: PortSetting.default(ENDPOINTS.egressForServices.port),
  DNS_LISTEN_HOST: z.string().default(ENDPOINTS.dnsForAgents.host),
  DNS_LISTEN_PORT: PortSetting.default(ENDPOINTS.dnsForAgents.port),
  AUDITOR_HOST: z.string().default(ENDPOINTS.auditor.host),
  AUDITOR_PORT: PortSetting.default(ENDPOINTS.auditor.port),
  RATE_LIMITER_HOST: z.string().default(ENDPOINTS.rateLimiter.host),
  RATE_LIMITER_PORT: PortSetting.default(ENDPOINTS.rateLimiter.port),
  APPROVAL_GATEWAY_HOST: z.string().default(ENDPOINTS.approvalGateway.host),
  APPROVAL_GATEWAY_PORT: PortSetting.default(ENDPOINTS.approvalGateway.port),
  BROKER_HOST: z.string().default(ENDPOINTS.brokerForServices.host),
  BROKER_PORT: PortSetting.default(ENDPOINTS.brokerForServices.port),
  /** Who asks the policy DNS: the network holds one agent, so the network is its identity there. */
  AGENT_ID: AgentId.default(AgentId.parse("main")),
  /** Networks of MCP servers are made by the launcher inside this range; we listen on each of ours in it. */
  TOOL_POOL: z.cidrv4().default("10.214.0.0/20"),
  /** Threads that serve the agents' listener; the first one does everything else too. */
  WORKERS: z.coerce.number().int().min(1).max(16).default(1),
  /** Real values of credentials that rules pin or swap: `./claws secrets set NAME --for egress-filter`. */
  SECRETS_DIR: z.string().default("/run/claws/secrets"),
  /** Certificates of authorities that inspected destinations may have, beside the public ones; a PEM file. */
  EXTRA_CA_FILE: z.string().optional(),
});
export type Settings = z.infer<typeof Settings>;
