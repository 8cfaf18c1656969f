import type { EgressCaller } from "@claws/contracts";

/** Remembers which header was verified as whom, so that a busy caller's signature is not checked each time. */
export interface VerifiedCallers {
  find(header: string): EgressCaller | undefined;
  /** `expiresAt` is the credential's own end, in milliseconds since the Unix epoch. */
  remember(header: string, caller: EgressCaller, expiresAt: number): void;
}

const MAX_ENTRIES = 256;
/** How long a credential that no longer holds (a new key) may still be taken. */
const MAX_AGE_MS = 60_000;

/** Bounded by number and by time; `now` in milliseconds since the Unix epoch. */
export function createVerifiedCallers(now: () => number): VerifiedCallers {
  const entries = new Map<string, { readonly caller: EgressCaller; readonly until: number }>();
  return {
    find(header) {
      const entry = entries.get(header);
      if (entry === undefined) return undefined;
      if (now() < entry.until) return entry.caller;
      entries.delete(header);
      return undefined;
    },
    remember(header, caller, expiresAt) {
      entries.delete(header);
      const [oldest] = entries.keys();
      if (entries.size >= MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
      entries.set(header, { caller, until: Math.min(expiresAt, now() + MAX_AGE_MS) });
    },
  };
}
