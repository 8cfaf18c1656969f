import * as z from "zod";

/**
 * Every service that has a certificate of its own. The name is the certificate's subject, so a peer's
 * identity on the control network is one of these and nothing else.
 */
export const SERVICES = [
  "broker",
  "approval-gateway",
  "egress-filter",
  "dlp-scanner",
  "rate-limiter",
  "model-gateway",
  "launcher",
  "auditor",
  "front-door",
] as const;

export const ServiceName = z.enum(SERVICES);
export type ServiceName = z.infer<typeof ServiceName>;

/** Where each service listens. Hosts are network aliases, so a listener binds to one network only. */
export const ENDPOINTS = {
  brokerForAgents: { host: "broker.agent", port: 7000 },
  modelGatewayForAgents: { host: "model-gateway.agent", port: 7001 },
  egressForAgents: { host: "egress-filter.agent", port: 3128 },
  egressForServices: { host: "egress-filter.control", port: 3129 },
  approvalGateway: { host: "approval-gateway.control", port: 7443 },
  approvalGatewayForOperators: { host: "approval-gateway.operator", port: 7444 },
  rateLimiter: { host: "rate-limiter.control", port: 7443 },
  dlpScanner: { host: "dlp-scanner.control", port: 7443 },
  auditor: { host: "auditor.control", port: 7443 },
  /** Answers the policy DNS of the agent's network. */
  dnsForAgents: { host: "egress-filter.agent", port: 53 },
  brokerForServices: { host: "broker.control", port: 7443 },
  launcher: { host: "launcher.launch", port: 7443 },
} as const;
