import { ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

export const Settings = z.object({
  LISTEN_HOST: z.string().default(ENDPOINTS.modelGatewayForAgents.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.modelGatewayForAgents.port),
  /** Holds tls.crt, tls.key, ca.crt and agent-token.pub. */
  IDENTITY_DIR: z.string().default("/run/claws"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
  /** One file per provider's key, named as the profile names the secret. */
  SECRETS_DIR: z.string().default("/run/claws/secrets"),
  RATE_LIMITER_HOST: z.string().default(ENDPOINTS.rateLimiter.host),
  RATE_LIMITER_PORT: PortSetting.default(ENDPOINTS.rateLimiter.port),
  DLP_SCANNER_HOST: z.string().default(ENDPOINTS.dlpScanner.host),
  DLP_SCANNER_PORT: PortSetting.default(ENDPOINTS.dlpScanner.port),
  AUDITOR_HOST: z.string().default(ENDPOINTS.auditor.host),
  AUDITOR_PORT: PortSetting.default(ENDPOINTS.auditor.port),
  BROKER_HOST: z.string().default(ENDPOINTS.brokerForServices.host),
  BROKER_PORT: PortSetting.default(ENDPOINTS.brokerForServices.port),
  EGRESS_HOST: z.string().default(ENDPOINTS.egressForServices.host),
  EGRESS_PORT: PortSetting.default(ENDPOINTS.egressForServices.port),
  /** How long one call to a provider may take; its reservation lives a minute longer. */
  PROVIDER_TIMEOUT_MS: z.coerce.number().int().min(1_000).max(3_500_000).default(600_000),
  /** PEM file of an authority to trust besides the public ones, for a model server of one's own. */
  UPSTREAM_CA_FILE: z.string().optional(),
});
export type Settings = z.infer<typeof Settings>;
