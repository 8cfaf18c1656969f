import type { IncomingHttpHeaders } from "node:http";
import { SESSION_COOKIE, splitCookies } from "./session-cookie.ts";

/**
 * Headers of one hop (RFC 9110, 7.6.1). `transfer-encoding` stays: Node frames the body anew by it.
 * `expect` goes too, since http-proxy does not announce its request where that is present.
 */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
]);
/** Claims about the way here that nobody before us may make. */
const CLAIMS = /^(?:x[-_]claws[-_].*|x-forwarded-.*|x-real-ip|forwarded)$/;

/** Headers of a request as they go on: without our session, those of this hop, and claims of identity. */
export function selectForwardedHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const kept = Object.entries(headers).filter(
    ([name]) =>
      !HOP_BY_HOP.has(name) && !CLAIMS.test(name) && (!named.includes(name) || KEPT_EVEN_IF_NAMED.has(name)),
  );
  const forwarded: IncomingHttpHeaders = Object.fromEntries(kept);
  delete forwarded.cookie;
  const { rest } = splitCookies(headers.cookie);
  if (rest !== undefined) forwarded.cookie = rest;
  return forwarded;
}

/** `Connection: content-length` must not change how the body is framed, nor drop the origin's checks. */
const KEPT_EVEN_IF_NAMED = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "origin",
  "sec-fetch-site",
]);

/** What an answer carries where the upstream says nothing of its own. */
const ANSWER_DEFAULTS: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * Headers of an upstream's answer as the browser gets them. Both upstreams share a host name, and with it
 * cookies: neither may open itself to the other's pages, or set our session.
 */
export function selectAnswerHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith("access-control-"));
  const answer: IncomingHttpHeaders = { ...ANSWER_DEFAULTS, ...Object.fromEntries(kept) };
  const cookies = headers["set-cookie"]?.filter(
    (cookie) => !cookie.trimStart().startsWith(`${SESSION_COOKIE}=`),
  );
  if (cookies !== undefined) answer["set-cookie"] = cookies;
  return answer;
}
