import { readHostPattern } from "./host-pattern.ts";

/** What somebody asks about: a URL, or a bare `host:port`, which means a tunnel. */
export interface EgressTarget {
  readonly host: string;
  readonly port: number;
  /** Whether the client opens a tunnel first, as it does for `https`. */
  readonly isTunnel: boolean;
  /** Whether TLS is spoken inside the tunnel; unknown for a bare `host:port`. */
  readonly isTls: boolean | undefined;
  /** Path with its query, as it would be sent; absent for a bare `host:port`. */
  readonly path?: string;
}

export type EgressTargetReading =
  | { readonly ok: true; readonly target: EgressTarget }
  | { readonly ok: false; readonly reason: string };

const SCHEME_PORTS: Readonly<Record<string, number>> = { http: 80, ws: 80, https: 443, wss: 443 };

/** Reads what a person types. The path stays as it was typed, since its spelling may be what is refused. */
export function readEgressTarget(text: string): EgressTargetReading {
  const url = /^([a-z]+):\/\/([^/?#\\]*)([^#]*)/i.exec(text);
  if (url === null) return readBare(text);
  const [, scheme = "", authority = "", rest = ""] = url;
  const schemePort = SCHEME_PORTS[scheme.toLowerCase()];
  if (schemePort === undefined) return refuse(text, "only http, https, ws and wss go through egress-filter");
  if (authority.includes("@")) return refuse(text, "leave user and password out");
  const port = /:(\d+)$/.exec(authority)?.[1];
  const host = readHost(port === undefined ? authority : authority.slice(0, -port.length - 1));
  if (host === undefined) return refuse(text, "this is no host name and no address");
  const number = port === undefined ? schemePort : readPort(port);
  if (number === undefined) return refuse(text, "a port is 1 to 65535");
  const isTls = schemePort === 443;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return { ok: true, target: { host, port: number, isTunnel: isTls, isTls, path } };
}

function readBare(text: string): EgressTargetReading {
  const parts = /^(\[[^\]]*\]|[^:/]+):(\d+)$/.exec(text);
  const host = parts?.[1] === undefined ? undefined : readHost(parts[1]);
  const port = parts?.[2] === undefined ? undefined : readPort(parts[2]);
  if (host === undefined || port === undefined)
    return refuse(text, "give a URL, or host:port, for instance https://example.org/path or example.org:443");
  return { ok: true, target: { host, port, isTunnel: true, isTls: undefined } };
}

/** The form that egress-filter brings hosts into; what it would refuse is refused here too. */
function readHost(text: string): string | undefined {
  const host = text.toLowerCase().replace(/\.$/, "");
  const reading = readHostPattern(host);
  return reading.ok && reading.pattern.kind === "exact" ? host : undefined;
}

function readPort(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

function refuse(text: string, reason: string): EgressTargetReading {
  return { ok: false, reason: `${JSON.stringify(text)}: ${reason}` };
}
