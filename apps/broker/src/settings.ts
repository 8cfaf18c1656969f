import { ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

const address = (name: keyof typeof ENDPOINTS) => ({
  host: z.string().default(ENDPOINTS[name].host),
  port: PortSetting.default(ENDPOINTS[name].port),
});
const approvals = address("approvalGateway");
const limiter = address("rateLimiter");
const scanner = address("dlpScanner");
const auditor = address("auditor");
const launcher = address("launcher");
const control = address("brokerForServices");

export const Settings = z.object({
  LISTEN_HOST: z.string().default(ENDPOINTS.brokerForAgents.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.brokerForAgents.port),
  /** For the other doors, which ask whether the stack is verified. */
  CONTROL_LISTEN_HOST: control.host,
  CONTROL_LISTEN_PORT: control.port,
  IDENTITY_DIR: z.string().default("/run/claws"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
  STATE_DIR: z.string().default("/state"),
  APPROVAL_GATEWAY_HOST: approvals.host,
  APPROVAL_GATEWAY_PORT: approvals.port,
  RATE_LIMITER_HOST: limiter.host,
  RATE_LIMITER_PORT: limiter.port,
  DLP_SCANNER_HOST: scanner.host,
  DLP_SCANNER_PORT: scanner.port,
  AUDITOR_HOST: auditor.host,
  AUDITOR_PORT: auditor.port,
  LAUNCHER_HOST: launcher.host,
  LAUNCHER_PORT: launcher.port,
});
export type Settings = z.infer<typeof Settings>;
