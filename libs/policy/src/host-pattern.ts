import { isAddressLiteral } from "./special-name.ts";

/**
 * Which hosts a rule means: one host, every host one label below a suffix (`*.example.org`), or every
 * host at any depth below it (`**.example.org`). A wildcard never means the suffix itself.
 */
export type HostPattern =
  | { readonly kind: "exact"; readonly host: string }
  | { readonly kind: "below"; readonly suffix: string; readonly depth: "one-label" | "any" };

export type HostPatternReading =
  | { readonly ok: true; readonly pattern: HostPattern }
  | { readonly ok: false; readonly reason: string };

/** Underscores are no host names (RFC 952), yet hosts with them are served on the internet. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_HOST_LENGTH = 253;

/** Reads the `host` of a rule, strictly: what it would have to guess at, it refuses with a reason. */
export function readHostPattern(text: string): HostPatternReading {
  const wildcard = /^(\*\*?)\.(.+)$/.exec(text);
  const host = wildcard?.[2] ?? text;
  const refusal = refuseHost(host);
  if (refusal !== undefined) return { ok: false, reason: `"${text}": ${refusal}` };
  if (!wildcard) return { ok: true, pattern: { kind: "exact", host } };
  if (isAddressLiteral(host))
    return { ok: false, reason: `"${text}": a wildcard goes before a name, not an address` };
  const depth = wildcard[1] === "*" ? "one-label" : "any";
  return { ok: true, pattern: { kind: "below", suffix: `.${host}`, depth } };
}

/**
 * Whether a canonical host (lower case, no trailing dot, IPv6 in brackets) is one that the pattern means.
 * A pattern that cannot be read means none.
 */
export function matchesHost(text: string, host: string): boolean {
  const reading = readHostPattern(text);
  if (!reading.ok) return false;
  const { pattern } = reading;
  if (pattern.kind === "exact") return host === pattern.host;
  if (!host.endsWith(pattern.suffix)) return false;
  const below = host.slice(0, -pattern.suffix.length);
  return below !== "" && (pattern.depth === "any" || !below.includes("."));
}

function refuseHost(host: string): string | undefined {
  if (host.includes("*")) return "a wildcard is '*.' or '**.' at the start and nothing else";
  if (host !== host.toLowerCase()) return "write the host in lower case";
  if (host.endsWith(".")) return "write the host without a dot at the end";
  if (host.length > MAX_HOST_LENGTH) return `a host has at most ${MAX_HOST_LENGTH} characters`;
  // The WHATWG parser is the oracle: what it would change (IDNA, number forms of IPv4) is not canonical.
  const parsed = URL.parse(`http://${host}/`);
  if (parsed === null)
    return "this is not a host: write a name or an address (IPv6 in brackets) without a port";
  if (parsed.hostname !== host)
    return `write the host in its canonical form, ${parsed.hostname || "a plain name"}`;
  if (isAddressLiteral(host)) return undefined;
  if (!host.split(".").every((label) => LABEL.test(label)))
    return "every label is 1-63 of a-z, 0-9, '-' and '_'";
  return undefined;
}
