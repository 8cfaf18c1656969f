import { type IssuedCertificate, issueHostCertificate } from "@claws/certificates";
import { createTlsDoor, type TlsDoor } from "./tls-door.ts";

/** How a client that asks for this host is met. */
export type HostDoors = (host: string) => Promise<TlsDoor>;

export interface HostDoorOptions {
  /** How many hosts are kept; the one that was used longest ago goes first. */
  readonly most?: number;
  /** How long one is used: well below the seven days that its certificate holds. */
  readonly ttlMs?: number;
  readonly issue?: (authority: IssuedCertificate, host: string) => Promise<IssuedCertificate>;
  readonly now?: () => number;
}

const MOST = 128;
const TTL_MS = 24 * 3_600_000;

/** Issues a certificate for each host that is asked for, once for all who ask at the same time. */
export function createHostDoors(
  authority: IssuedCertificate,
  { most = MOST, ttlMs = TTL_MS, issue = issueHostCertificate, now = Date.now }: HostDoorOptions = {},
): HostDoors {
  const kept = new Map<string, { readonly door: Promise<TlsDoor>; readonly until: number }>();

  async function open(host: string): Promise<TlsDoor> {
    return createTlsDoor(await issue(authority, host));
  }

  return async function doorOf(host) {
    const known = kept.get(host);
    kept.delete(host);
    const entry =
      known !== undefined && known.until > now() ? known : { door: open(host), until: now() + ttlMs };
    kept.set(host, entry);
    const [oldest] = kept.keys();
    if (kept.size > most && oldest !== undefined) kept.delete(oldest);
    try {
      return await entry.door;
    } catch (error) {
      if (kept.get(host) === entry) kept.delete(host);
      throw error;
    }
  };
}
