import { lookup } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";

/** Where the load goes first: through one of the proxies, or straight to the origin. */
export interface Target {
  readonly name: TargetName;
  readonly address: string;
  readonly port: number;
  /** Undefined when there is no proxy between. */
  readonly proxyHeader?: string;
}

export type TargetName = "ours" | "squid" | "direct";

export const ORIGIN = "origin.example";
const PROXIES = { ours: "egress-filter.agent", squid: "squid.agent" } as const;
const PROXY_PORT = 3128;

/** Names are resolved once, before anything is measured. */
export async function readTarget(name: TargetName): Promise<Target> {
  if (name === "direct") return { name, address: (await lookup(ORIGIN)).address, port: 443 };
  const { address } = await lookup(PROXIES[name]);
  return { name, address, port: PROXY_PORT, proxyHeader: proxyAuthorization() };
}

/** The header line with the agent's credentials, sent to both proxies; empty where there is no token. */
export function proxyAuthorization(tokenFile = "/run/claws/token"): string {
  if (!existsSync(tokenFile)) return "";
  const credentials = `main:${readFileSync(tokenFile, "utf8").trim()}`;
  return `Proxy-Authorization: Basic ${Buffer.from(credentials).toString("base64")}\r\n`;
}
