import { createHmac, timingSafeEqual } from "node:crypto";
import { ServerName, SessionId } from "@claws/contracts";

/**
 * The proxy credential of an MCP server with an egress grant: user name `server.<name>`, password
 * `<expiry>.<run>.<mac>`. The launcher issues one for each run of a server, egress-filter verifies it.
 */
export interface ServerCredential {
  readonly server: ServerName;
  /** The run of the server that it was made for; what an agent's session is to an agent. */
  readonly run: SessionId;
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number;
}

const USER_PREFIX = "server.";
const KEY_BYTES = 32;

/** The key as bootstrap stores it (base64url of 32 bytes); undefined when it is something else. */
export function readServerEgressKey(text: string): Buffer | undefined {
  const key = Buffer.from(text, "base64url");
  return key.length === KEY_BYTES && key.toString("base64url") === text ? key : undefined;
}

/** User name and password (RFC 7617) for one run of one server. Both are of URL-safe characters. */
export function issueServerCredential(
  key: Buffer,
  credential: ServerCredential,
): { readonly username: string; readonly password: string } {
  const { server, run, expiresAt } = credential;
  return {
    username: `${USER_PREFIX}${server}`,
    password: `${expiresAt}.${run}.${macOf(key, server, String(expiresAt), run)}`,
  };
}

export type ServerCredentialVerdict =
  | { readonly ok: true; readonly credential: ServerCredential }
  | { readonly ok: false; readonly reason: string };

/** Checks what `issueServerCredential` made. `now` is in milliseconds since the Unix epoch. */
export function verifyServerCredential(
  key: Buffer,
  { username, password }: { readonly username: string; readonly password: string },
  now: number,
): ServerCredentialVerdict {
  const server = ServerName.safeParse(
    username.startsWith(USER_PREFIX) ? username.slice(USER_PREFIX.length) : undefined,
  );
  if (!server.success) return { ok: false, reason: "its user name is not that of a server" };
  const [, expiry = "", runText = "", mac = ""] =
    /^([1-9]\d{9,11})\.([0-9A-Za-z_-]+)\.([0-9A-Za-z_-]{43})$/.exec(password) ?? [];
  const run = SessionId.safeParse(runText);
  if (!run.success) return { ok: false, reason: "it is not a server's credential" };
  // Text against text: of the spellings that decode to the same bytes, one alone is good.
  const expected = macOf(key, server.data, expiry, run.data);
  if (!timingSafeEqual(Buffer.from(mac, "latin1"), Buffer.from(expected, "latin1")))
    return { ok: false, reason: "it was not issued by this stack for this server" };
  const expiresAt = Number(expiry);
  if (expiresAt * 1_000 <= now)
    return { ok: false, reason: "it has expired: a new run of the server gets a new one" };
  return { ok: true, credential: { server: server.data, run: run.data, expiresAt } };
}

function macOf(key: Buffer, server: string, expiry: string, run: string): string {
  return createHmac("sha256", key).update(`server\0${server}\0${expiry}\0${run}`).digest("base64url");
}
