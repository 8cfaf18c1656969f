import { ENDPOINTS } from "@claws/contracts";
import { BooleanSetting, PortSetting } from "@claws/service-kit";
import * as z from "zod";

export const Settings = z.object({
  /** Where the broker asks. */
  LISTEN_HOST: z.string().default(ENDPOINTS.approvalGateway.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.approvalGateway.port),
  /** Where people decide, through front-door. */
  OPERATOR_LISTEN_HOST: z.string().default(ENDPOINTS.approvalGatewayForOperators.host),
  OPERATOR_LISTEN_PORT: PortSetting.default(ENDPOINTS.approvalGatewayForOperators.port),
  REDIS_HOST: z.string().default("redis"),
  REDIS_PORT: PortSetting.default(6_379),
  REDIS_USERNAME: z.string().default("approval-gateway"),
  AUDITOR_HOST: z.string().default(ENDPOINTS.auditor.host),
  AUDITOR_PORT: PortSetting.default(ENDPOINTS.auditor.port),
  /** Holds tls.crt, tls.key, ca.crt, redis.password and receipt.key. */
  IDENTITY_DIR: z.string().default("/run/claws"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
  CONSOLE_DIR: z.string().default("/app/console"),
  /** Destinations that people allowed for good; egress-filter reads it. */
  OVERLAY_FILE: z.string().default("/overlay/egress.json"),
  /** One person decides on CRITICAL calls too, after a delay. Never inferred: it is said here. */
  SINGLE_OPERATOR: BooleanSetting.default(true),
});
export type Settings = z.infer<typeof Settings>;
