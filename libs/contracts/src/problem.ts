import * as z from "zod";

/**
 * Every reason for which a service of ours refuses, with the HTTP status it travels under and what it
 * means. Codes are stable: clients, tests and dashboards may rely on them.
 */
export const PROBLEMS = {
  body_malformed: { status: 400, title: "The request body is not acceptable JSON" },
  body_too_large: { status: 413, title: "The request body is too large" },
  request_invalid: { status: 400, title: "The request does not have the expected shape" },
  not_found: { status: 404, title: "There is nothing under this address" },
  token_missing: { status: 401, title: "No agent token was sent" },
  token_invalid: { status: 401, title: "The agent token is not valid" },
  login_required: { status: 401, title: "Operator login required" },
  peer_not_allowed: { status: 403, title: "This service may not call this address" },
  cross_site: { status: 403, title: "The request came from another site" },
  agent_unknown: { status: 403, title: "The profile does not know this agent" },
  tool_not_allowed: { status: 403, title: "The profile does not allow this tool" },
  tool_unknown: { status: 404, title: "No MCP server offers this tool" },
  arguments_invalid: { status: 422, title: "The arguments do not match the tool's schema" },
  constraint_violated: { status: 422, title: "The arguments break a constraint of the profile" },
  dlp_blocked: { status: 403, title: "The content was blocked by a data-loss rule" },
  rate_limited: { status: 429, title: "A rate limit is used up" },
  budget_exceeded: { status: 429, title: "A budget is used up" },
  tokens_exceeded: { status: 413, title: "The request asks for more tokens than allowed" },
  approval_denied: { status: 403, title: "A person denied this call" },
  approval_expired: { status: 403, title: "Nobody approved this call in time" },
  approval_invalid: { status: 409, title: "The approval does not fit this call" },
  approval_consumed: { status: 409, title: "The approval was already used" },
  outcome_unknown: { status: 502, title: "The call was sent but its outcome is unknown" },
  egress_denied: { status: 403, title: "The egress policy does not allow this destination" },
  address_denied: { status: 403, title: "The destination resolves to an address that is never allowed" },
  proxy_credentials: { status: 407, title: "The proxy credentials are missing or not valid" },
  misdirected: { status: 421, title: "The request names another host than its connection" },
  http_version: { status: 505, title: "This version of HTTP is not spoken here" },
  request_timeout: { status: 408, title: "The request did not arrive in time" },
  stack_unverified: { status: 503, title: "The stack has not proved that there is no other way out" },
  destination_unreachable: { status: 502, title: "The destination did not answer" },
  server_unavailable: { status: 502, title: "The MCP server could not be started or went away" },
  server_timeout: { status: 504, title: "The MCP server did not answer in time" },
  result_too_large: { status: 502, title: "The MCP server's result is larger than allowed" },
  result_invalid: { status: 502, title: "The MCP server's result does not match its declared schema" },
  model_unavailable: { status: 502, title: "The model provider did not answer" },
  model_feature_not_allowed: { status: 403, title: "This feature of the model is not passed on" },
  model_not_allowed: { status: 403, title: "The profile does not allow this model" },
  service_unavailable: { status: 503, title: "A part of the stack that must agree is not answering" },
  internal: { status: 500, title: "The service met an error of its own" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

/**
 * A refusal or failure as it crosses a boundary: an RFC 9457 problem document with our stable `code`,
 * the `service` that said so, and, where one decided, the `rule` and the profile `key` to change.
 */
export const Problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  code: z.enum(PROBLEM_CODES),
  service: z.string(),
  rule: z.string().optional(),
  key: z.string().optional(),
  retryAfterMs: z.int().nonnegative().optional(),
  /** Stable code of what decided, finer than `code`. */
  reason: z.string().optional(),
  /** What the caller can do about it. */
  next_steps: z.array(z.string()).optional(),
});
export type Problem = z.infer<typeof Problem>;

/** What a caller says of a problem; status, title and type follow from the code. */
export interface ProblemFields {
  readonly detail: string;
  readonly service: string;
  readonly rule?: string | undefined;
  readonly key?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly reason?: string | undefined;
  readonly nextSteps?: readonly string[] | undefined;
}

export function createProblem(code: ProblemCode, fields: ProblemFields): Problem {
  const { status, title } = PROBLEMS[code];
  const problem: Problem = {
    type: `urn:sandbox-claws:problem:${code}`,
    title,
    status,
    detail: fields.detail,
    code,
    service: fields.service,
  };
  if (fields.rule !== undefined) problem.rule = fields.rule;
  if (fields.key !== undefined) problem.key = fields.key;
  if (fields.retryAfterMs !== undefined) problem.retryAfterMs = fields.retryAfterMs;
  if (fields.reason !== undefined) problem.reason = fields.reason;
  if (fields.nextSteps !== undefined) problem.next_steps = [...fields.nextSteps];
  return problem;
}
