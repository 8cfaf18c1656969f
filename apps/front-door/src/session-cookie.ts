import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";

export const SESSION_COOKIE = "claws_session";
export const SESSION_LIFETIME_MS = 12 * 3_600_000;

const Session = z.strictObject({ operator: z.literal("owner"), issued: z.int().positive() });
export type Session = z.infer<typeof Session>;

/** Makes the value of a session cookie: who, since when, and a MAC over both. Nothing is stored here. */
export function createSessionValue(key: Buffer, now: number): string {
  const session: Session = { operator: "owner", issued: now };
  const payload = Buffer.from(JSON.stringify(session)).toString("base64url");
  return `${payload}.${macOf(key, payload)}`;
}

/** The session of a cookie that we signed less than 12 h ago; undefined for anything else. */
export function readSession(key: Buffer, value: string, now: number): Session | undefined {
  const [, payload, mac] = /^([A-Za-z0-9_-]{1,256})\.([A-Za-z0-9_-]{43})$/.exec(value) ?? [];
  if (payload === undefined || mac === undefined) return undefined;
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(key, payload)))) return undefined;
  const session = Session.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
  if (!session.success) return undefined;
  const age = now - session.data.issued;
  return age >= 0 && age < SESSION_LIFETIME_MS ? session.data : undefined;
}

/** `Secure` is left out: the stack is served on the loopback address, over plain HTTP. */
export function createSetCookie(value: string): string {
  const seconds = value === "" ? 0 : SESSION_LIFETIME_MS / 1_000;
  return `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;
}

/** Takes a `Cookie` header apart into our session cookies and the header without them. */
export function splitCookies(header: string | undefined): { ours: string[]; rest: string | undefined } {
  const ours: string[] = [];
  const rest: string[] = [];
  for (const part of (header ?? "").split(";").map((text) => text.trim())) {
    if (part.startsWith(`${SESSION_COOKIE}=`)) ours.push(part.slice(SESSION_COOKIE.length + 1));
    else if (part !== "" && part !== SESSION_COOKIE) rest.push(part);
  }
  return { ours, rest: rest.length === 0 ? undefined : rest.join("; ") };
}

/** Compared as text: base64 has several spellings of the same bytes, and only ours is good. */
function macOf(key: Buffer, payload: string): string {
  return createHmac("sha256", key).update(`claws-session-1.${payload}`).digest("base64url");
}
