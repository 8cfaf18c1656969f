import * as z from "zod";
import { AgentId, EpochMs, RecordId, ServerName, SessionId } from "./identifiers.ts";

/** A credential that may be used at a host: the only one (`pin`), or one the agent never sees (`swap`). */
export const EgressCredential = z.strictObject({
  /** Lower-case name of the request header that carries it. */
  header: z.string().regex(/^[a-z0-9-]+$/),
  /** What stands before the key in that header, for instance `Bearer`. */
  scheme: z.string().optional(),
  /** Name of the secret: `./claws secrets set NAME --for egress-filter`. */
  secret: z.string(),
  /** `pin`: the agent knows the key and may send this one alone. `swap`: it sends a placeholder. */
  mode: z.enum(["pin", "swap"]),
});
export type EgressCredential = z.infer<typeof EgressCredential>;

export const EgressRule = z.strictObject({
  action: z.enum(["allow", "ask", "deny"]),
  /** Exact host, `*` for one label, `**` for any depth (`*.example.org`, `**.example.org`). */
  host: z.string(),
  port: z.int().min(1).max(65_535),
  methods: z
    .array(z.string().regex(/^[A-Z]+$/))
    .min(1)
    .optional(),
  /** Prefixes (`/v1/`) or globs (`/repos/*\/issues`); judged where the request can be read. */
  paths: z.array(z.string().startsWith("/")).min(1).optional(),
  /** Every named header must be there once with one of these values; an empty list: it must not be there. */
  headers: z.record(z.string().regex(/^[a-z0-9-]+$/), z.array(z.string())).optional(),
  /** Addresses in these ranges are accepted for this host although they are not public. */
  addresses: z.array(z.string()).min(1).optional(),
  /** Open TLS, so that method, path, headers and content are judged; nothing goes there in the clear then. */
  inspect: z.boolean().optional(),
  credential: EgressCredential.optional(),
  /** Where it stands in the profile, for instance `egress.rules[2]`. */
  key: z.string(),
});
export type EgressRule = z.infer<typeof EgressRule>;

/** What one caller may use of the network. Bytes are of the relayed connections, both ways. */
export const EgressQuotas = z.strictObject({
  requestsPerMinute: z.int().positive(),
  /** Connections outward at once. */
  connections: z.int().positive(),
  uploadBytesPerSession: z.int().positive(),
  downloadBytesPerSession: z.int().positive(),
  uploadBytesPerHost: z.int().positive(),
  downloadBytesPerHost: z.int().positive(),
  idleSeconds: z.int().positive(),
  totalSeconds: z.int().positive(),
});
export type EgressQuotas = z.infer<typeof EgressQuotas>;

/**
 * Every reason for which egress-filter refuses or ends something, with what the agent can do about it.
 * Codes are stable: they stand in refusals (`reason`), in the log, in the audit and in the metrics.
 */
export const EGRESS_REASONS = {
  not_allowed: "ask the operator for a rule under egress.rules that allows this host and port",
  port_denied: "use a port that a rule for this host allows, or ask the operator to allow this one",
  method_denied: "use a method that the rule allows",
  path_denied: "use a path that the rule allows",
  header_denied: "send the headers as the rule wants them",
  deny_rule: "a deny rule names this destination: only the operator can remove it",
  special_name:
    "this name means the host, a neighbour or a private network: it is opened only by a rule that names it exactly",
  ip_literal_denied: "use a host name: an address is opened only by a rule that names it",
  private_ip:
    "the name leads to an address that is not public: the operator may grant its range in the rule's addresses",
  bad_authority: "write the destination as host:port in its canonical form",
  bad_request: "send one well-formed HTTP/1.1 request",
  bad_framing: "say once, and plainly, where the body ends",
  http_version: "speak HTTP/1.1 to the proxy",
  host_missing: "send exactly one Host header",
  host_duplicate: "send exactly one Host header",
  host_mismatch: "name the same host in the target, the Host header and the TLS handshake",
  not_absolute: "this is a forward proxy: send http://host/path, or CONNECT host:port",
  scheme: "only http:// is taken in absolute-form; use CONNECT for https",
  path_ambiguous: "send the path without dot segments, empty segments and encoded separators",
  upgrade: "only WebSocket may be upgraded to",
  expectation: "send the request without an Expect header",
  sni_missing: "name the host in the TLS handshake (SNI)",
  sni_mismatch: "name the same host in CONNECT and in the TLS handshake",
  sni_unreadable: "send one plain host name in the TLS handshake",
  not_tls: "speak TLS inside this tunnel",
  unreadable:
    "the rule judges method and path, which TLS hides: speak plain http, or ask the operator for inspect",
  hello_timeout: "send the TLS handshake at once",
  hello_too_large: "send a TLS handshake of less than 16 KiB",
  tls_failed:
    "trust the certificate authority of this stack (see SSL_CERT_FILE); a client that pins certificates needs a rule without inspect",
  upstream_tls_failed: "the destination's certificate does not hold: the operator must look at it",
  auth: "send the proxy credentials of this agent: use HTTP_PROXY as it is set in the container",
  unresolvable: "check how the name is spelt, or try again",
  unreachable: "check the port, or try again later",
  rate_limited: "wait, and send fewer requests",
  too_many_connections: "close connections that are not needed any more",
  budget_exceeded:
    "the byte budget is used up: ask the operator to raise egress.quotas, or start a new session",
  dlp_blocked: "take out of the content what the finding names",
  credential_denied: "use the credential that the rule names, and no other, at this host",
  ask_denied: "a person said no to this destination",
  ask_timeout: "nobody answered in time: try again when an operator is there",
  ask_full: "too many questions are open already: wait for their answers",
  timeout: "send the whole request without pausing",
  idle: "nothing was sent for too long",
  total_time: "the connection was open for as long as one may be",
  policy_changed: "the profile was changed and does not allow this destination any more",
  dns_type_denied: "ask for A or AAAA records; nothing else is answered",
  dns_label_suspicious: "the name looks like data that leaves in a query",
  unverified: "the stack has not proved that there is no other way out: see ./claws verify",
  unrecorded: "the record could not be written, and nothing goes out unrecorded: see ./claws status",
  dependency_down: "a part of the stack that must agree is not answering: try again, or see ./claws status",
  internal: "the proxy met an error of its own: see ./claws logs egress-filter",
} as const satisfies Record<string, string>;

export type EgressReason = keyof typeof EGRESS_REASONS;
export const EgressReason = z.enum(Object.keys(EGRESS_REASONS) as [EgressReason, ...EgressReason[]]);

/** Who asks for a way out: an agent with its session, or an MCP server that has a grant of its own. */
export const EgressCaller = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("agent"), agent: AgentId, session: SessionId }),
  z.strictObject({ kind: z.literal("server"), server: ServerName, session: SessionId }),
]);
export type EgressCaller = z.infer<typeof EgressCaller>;

/**
 * Takes a share of a caller's quotas ahead of its use; what is not used is given back. The limits are the
 * policy's, and rate-limiter alone compares with them: `POST /v1/egress/take`, idempotent by `id`.
 */
export const EgressTake = z.strictObject({
  id: RecordId,
  caller: EgressCaller,
  host: z.string().min(1).max(260),
  requests: z.int().min(0).max(1_000),
  upBytes: z.int().min(0),
  downBytes: z.int().min(0),
});
export type EgressTake = z.infer<typeof EgressTake>;

/** How much was granted of each: from nothing to all that was asked for. `refused` names the limit that cut it. */
export const EgressGrant = z.strictObject({
  requests: z.int().nonnegative(),
  upBytes: z.int().nonnegative(),
  downBytes: z.int().nonnegative(),
  refused: z.array(
    z.strictObject({
      what: z.enum(["requests", "upBytes", "downBytes"]),
      /** The profile key that sets the limit. */
      key: z.string(),
      limit: z.int().nonnegative(),
      retryAfterMs: z.int().nonnegative().nullable(),
    }),
  ),
});
export type EgressGrant = z.infer<typeof EgressGrant>;

/** Gives back what was taken and not used: `POST /v1/egress/return`, idempotent by `id`. */
export const EgressReturn = z.strictObject({
  id: RecordId,
  caller: EgressCaller,
  host: z.string().min(1).max(260),
  upBytes: z.int().min(0),
  downBytes: z.int().min(0),
});
export type EgressReturn = z.infer<typeof EgressReturn>;

/** A destination that an `ask` rule names: `POST /v1/egress/questions` at approval-gateway. */
export const EgressQuestionRequest = z.strictObject({
  caller: EgressCaller,
  host: z.string().min(1).max(260),
  port: z.int().min(1).max(65_535),
  method: z.string().max(32),
  /** Where the asking rule stands in the profile. */
  rule: z.string(),
  expireAfterSeconds: z.int().min(1).max(300),
  maxOpen: z.int().min(1).max(100),
});
export type EgressQuestionRequest = z.infer<typeof EgressQuestionRequest>;

/** What a person may answer; silence is `expired`, which is no. */
export const EgressAnswer = z.enum(["once", "session", "always", "deny"]);
export type EgressAnswer = z.infer<typeof EgressAnswer>;

export const EgressQuestion = z.strictObject({
  id: RecordId,
  caller: EgressCaller,
  host: z.string(),
  port: z.int(),
  method: z.string(),
  rule: z.string(),
  askedAt: EpochMs,
  expiresAt: EpochMs,
  state: z.enum(["open", "once", "session", "always", "deny", "expired"]),
  /** The operator who answered. */
  by: z.string().optional(),
});
export type EgressQuestion = z.infer<typeof EgressQuestion>;

/** One destination that a person allowed for good: an entry of the overlay file. */
export const EgressOverlayEntry = z.strictObject({
  allow: z.string(),
  /** Whom it is for: `agent:main`, `server:web`. */
  caller: z.string(),
  by: z.string(),
  at: z.iso.datetime(),
});
export const EgressOverlay = z.strictObject({ version: z.literal(1), rules: z.array(EgressOverlayEntry) });
export type EgressOverlay = z.infer<typeof EgressOverlay>;
