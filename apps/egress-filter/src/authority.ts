import { isIPv4 } from "node:net";
import { domainToASCII } from "node:url";
import type { EgressReason } from "@claws/contracts";

/** A host in the one form that rules are matched against, and its port. */
export interface Authority {
  /** Lower case, no trailing dot; IPv6 in brackets, compressed as RFC 5952 has it. */
  readonly host: string;
  readonly port: number;
  /** The address itself, without brackets, when the host is no name. */
  readonly literal?: string;
}

export type AuthorityReading =
  | { readonly ok: true; readonly authority: Authority }
  | { readonly ok: false; readonly reason: EgressReason; readonly detail: string };

/** Underscores are no host names (RFC 952), yet hosts with them are served on the internet. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_HOST_LENGTH = 253;
/** The last label of what `inet_aton` or the WHATWG parser would take for an IPv4 address. */
const NUMBER = /^(?:\d+|0x[0-9a-f]*)$/;

/**
 * Reads `host:port` as RFC 9110 section 7.2 has it and accepts only what every parser on the way reads the
 * same: no userinfo, no zone, no escapes, no number forms of an address.
 */
export function readAuthority(text: string, defaultPort?: number): AuthorityReading {
  const question = `${defaultPort ?? ""} ${text}`;
  const known = READ.get(question);
  if (known) return known;
  if (READ.size >= MAX_READ) READ.clear();
  const reading = parseAuthority(text, defaultPort);
  if (question.length <= MAX_QUESTION) READ.set(question, reading);
  return reading;
}

/** An agent speaks with the same few hosts again and again, and IDNA takes its time. */
const READ = new Map<string, AuthorityReading>();
const MAX_READ = 1_024;
const MAX_QUESTION = 270;

function parseAuthority(text: string, defaultPort: number | undefined): AuthorityReading {
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text);
  if (!parts) return malformed("write it as host:port, with an IPv6 address in brackets");
  const [, host = "", portText] = parts;
  const port = portText === undefined ? defaultPort : readPort(portText);
  if (port === undefined) return malformed("give a port from 1 to 65535, without sign or leading zero");
  return host.startsWith("[") ? readIPv6(host, port) : readName(host.toLowerCase(), port);
}

/** How an authority is written in a `Host` header and in a log: always with its port. */
export function formatAuthority({ host, port }: Authority): string {
  return `${host}:${port}`;
}

function readPort(text: string): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function readIPv6(text: string, port: number): AuthorityReading {
  // A zone (`%eth0`) names an interface of ours, and has been used to smuggle a suffix past a rule.
  const canonical = /^\[[0-9a-f:.]+\]$/i.test(text) ? URL.parse(`http://${text}/`)?.hostname : undefined;
  if (canonical === undefined) return malformed("brackets hold an IPv6 address without a zone");
  return { ok: true, authority: { host: canonical, port, literal: canonical.slice(1, -1) } };
}

function readName(text: string, port: number): AuthorityReading {
  // One trailing dot is the same name (RFC 1034 section 3.1), so deny rules must see it as such: CVE-2022-24825.
  const host = text.endsWith(".") ? text.slice(0, -1) : text;
  if (host.length > MAX_HOST_LENGTH) return malformed(`a host has at most ${MAX_HOST_LENGTH} characters`);
  const labels = host.split(".");
  if (!labels.every((label) => LABEL.test(label))) {
    return malformed("every label of a host is 1-63 of a-z, 0-9, '-' and '_'");
  }
  if (NUMBER.test(labels.at(-1) ?? "")) return readIPv4(text, port);
  if (domainToASCII(host) !== host) return malformed("the host is not in its canonical (IDNA) form");
  return { ok: true, authority: { host, port } };
}

function readIPv4(text: string, port: number): AuthorityReading {
  if (isIPv4(text)) return { ok: true, authority: { host: text, port, literal: text } };
  // Well-formed for some resolver, and then 127.0.0.1 or worse: CVE-2023-42282, CVE-2024-29415.
  return { ok: false, reason: "ip_literal_denied", detail: "write an IPv4 address as four decimal numbers" };
}

function malformed(detail: string): AuthorityReading {
  return { ok: false, reason: "bad_authority", detail };
}
