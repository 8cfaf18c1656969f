import { createTokenVerifier, type TokenVerifier, verifyServerCredential } from "@claws/agent-token";
import type { EgressCaller } from "@claws/contracts";
import { type Credentials, readCredentials } from "./read-credentials.ts";
import { createVerifiedCallers } from "./verified-callers.ts";

/** Who asks. `detail` of a refusal is for the log: to the caller, every refusal looks the same. */
export type CallerVerdict =
  | { readonly ok: true; readonly caller: EgressCaller }
  | { readonly ok: false; readonly detail: string };

/**
 * Judges the value of the one `Proxy-Authorization` header of a request; undefined where there is none.
 * Answers at once, without a promise, but for an agent's token that was not verified lately.
 */
export type ProxyAuthentication = (header: string | undefined) => CallerVerdict | Promise<CallerVerdict>;

export interface ProxyAuthenticationOptions {
  /** Verifies agents' tokens: Ed25519, SPKI PEM. */
  readonly tokenPublicKeyPem: string;
  /** Verifies servers' credentials: 32 bytes that the launcher has too. */
  readonly serverKey: Buffer;
  /** Whether the policy of this moment knows the caller; asked each time, so that a reload counts at once. */
  readonly isKnownCaller: (caller: EgressCaller) => boolean;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

interface Verified {
  readonly ok: true;
  readonly caller: EgressCaller;
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** An agent sends `Basic <agent>:<its token>` or `Bearer <its token>`, a server what the launcher gave it. */
export async function createProxyAuthentication({
  tokenPublicKeyPem,
  serverKey,
  isKnownCaller,
  now,
}: ProxyAuthenticationOptions): Promise<ProxyAuthentication> {
  const verifyToken = await createTokenVerifier(tokenPublicKeyPem, "egress-filter");
  const verified = createVerifiedCallers(now);

  const admit = (caller: EgressCaller): CallerVerdict =>
    isKnownCaller(caller)
      ? { ok: true, caller }
      : refuse(`the profile gives no way out to ${caller.kind} ${nameOf(caller)}`);

  function conclude(header: string, found: Verified | Refusal): CallerVerdict {
    if (!found.ok) return found;
    verified.remember(header, found.caller, found.expiresAt * 1_000);
    return admit(found.caller);
  }

  return function authenticate(header) {
    if (header === undefined) return refuse("there is no Proxy-Authorization header");
    const caller = verified.find(header);
    if (caller !== undefined) return admit(caller);
    const reading = readCredentials(header);
    if (!reading.ok) return reading;
    const { credentials } = reading;
    if (isOfServer(credentials)) return conclude(header, verifyServer(serverKey, credentials, now()));
    return verifyAgent(verifyToken, credentials).then((found) => conclude(header, found));
  };
}

type Basic = Extract<Credentials, { scheme: "basic" }>;

/** An agent's name has no dot, so that it cannot be taken for a server's. */
function isOfServer(credentials: Credentials): credentials is Basic {
  return credentials.scheme === "basic" && credentials.username.includes(".");
}

type Refusal = Extract<CallerVerdict, { ok: false }>;

function verifyServer(key: Buffer, credentials: Basic, now: number): Verified | Refusal {
  const verdict = verifyServerCredential(key, credentials, now);
  if (!verdict.ok) return refuse(`the server's credential is refused: ${verdict.reason}`);
  const { server, run, expiresAt } = verdict.credential;
  return { ok: true, caller: { kind: "server", server, session: run }, expiresAt };
}

async function verifyAgent(
  verifyToken: TokenVerifier,
  credentials: Credentials,
): Promise<Verified | Refusal> {
  const verdict = await verifyToken(
    credentials.scheme === "bearer" ? credentials.token : credentials.password,
  );
  if (!verdict.ok) return refuse(`the agent's token is refused: ${verdict.reason}`);
  const { agent, session } = verdict.identity;
  if (credentials.scheme === "basic" && credentials.username !== agent)
    return refuse(`the token is of agent ${agent}, and the user name another`);
  return { ok: true, caller: { kind: "agent", agent, session }, expiresAt: verdict.expiresAt };
}

function nameOf(caller: EgressCaller): string {
  return caller.kind === "agent" ? caller.agent : caller.server;
}

function refuse(detail: string): Refusal {
  return { ok: false, detail };
}
