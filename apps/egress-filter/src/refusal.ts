import {
  createProblem,
  EGRESS_REASONS,
  type EgressReason,
  type Problem,
  type ProblemCode,
} from "@claws/contracts";

/** Why something does not go out. `detail` is for the agent, `address` is not. */
export interface Refused {
  readonly reason: EgressReason;
  readonly detail: string;
  readonly rule?: string | undefined;
  readonly key?: string | undefined;
  /** What a name led to: for the log and the audit alone. */
  readonly address?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Reasons that are about the request's form share one code; the rest say which part refused. */
const CODES: Partial<Record<EgressReason, ProblemCode>> = {
  not_allowed: "egress_denied",
  port_denied: "egress_denied",
  method_denied: "egress_denied",
  path_denied: "egress_denied",
  header_denied: "egress_denied",
  deny_rule: "egress_denied",
  special_name: "egress_denied",
  ask_denied: "egress_denied",
  ask_timeout: "egress_denied",
  ask_full: "egress_denied",
  policy_changed: "egress_denied",
  credential_denied: "egress_denied",
  ip_literal_denied: "address_denied",
  private_ip: "address_denied",
  host_mismatch: "misdirected",
  http_version: "http_version",
  auth: "proxy_credentials",
  unresolvable: "destination_unreachable",
  unreachable: "destination_unreachable",
  upstream_tls_failed: "destination_unreachable",
  rate_limited: "rate_limited",
  too_many_connections: "rate_limited",
  budget_exceeded: "budget_exceeded",
  dlp_blocked: "dlp_blocked",
  timeout: "request_timeout",
  unverified: "stack_unverified",
  unrecorded: "service_unavailable",
  dependency_down: "service_unavailable",
  internal: "internal",
};

export function codeOf(reason: EgressReason): ProblemCode {
  return CODES[reason] ?? "request_invalid";
}

/** The refusal as the agent gets it: which reason, which rule, what to do. */
export function problemOf({ reason, detail, rule, key, retryAfterMs }: Refused): Problem {
  return createProblem(codeOf(reason), {
    service: "egress-filter",
    detail,
    rule,
    key,
    retryAfterMs,
    reason,
    nextSteps: [EGRESS_REASONS[reason]],
  });
}
