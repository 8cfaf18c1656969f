import { isIP } from "node:net";

/** OCSF's `network_endpoint`, as far as a record knows one. */
export interface Endpoint {
  readonly name?: string;
  readonly hostname?: string;
  readonly ip?: string;
  readonly port?: number;
  readonly svc_name?: string;
}

/** `host:port`, `[v6]:port`, or a host alone; `addresses` are those it resolved to, separated by spaces. */
export function readDestination(subject: string, addresses: string | undefined): Endpoint {
  const [, before = subject, digits] = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(subject) ?? [];
  const host = before.replace(/^\[(.*)\]$/, "$1");
  const port = Number(digits);
  const [first] = addresses?.split(" ") ?? [];
  const ip = [host, first].find((text) => text !== undefined && isAddress(text));
  return {
    ...nameOf(host),
    ...(ip === undefined ? {} : { ip }),
    ...(digits === undefined || port > 65_535 ? {} : { port }),
  };
}

/** Without a zone id, which means something on one machine only. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

/** Who cannot be reached under the name stays a name, so that an endpoint always says something. */
function nameOf(host: string): Endpoint {
  if (isAddress(host)) return {};
  return /^[A-Za-z0-9_.-]+$/.test(host) ? { hostname: host } : { name: host === "" ? "(none)" : host };
}
