import { Resolver } from "node:dns/promises";

/** Asks for a name's addresses, once per request; what it answers is what will be dialled. */
export type AddressResolver = (host: string) => Promise<Resolution>;

export type Resolution =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly detail: string };

const TIMEOUT_MS = 5_000;
const MAX_ANSWERS = 16;
/** An answer is used again for as long as its time to live says, and never for longer than this. */
const MAX_AGE_MS = 30_000;
const MAX_CACHED = 1_024;

interface TimedAddress {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

/** The part of `dns.promises.Resolver` that is used. */
export interface NameServer {
  resolve4(host: string, options: { ttl: true }): Promise<TimedAddress[]>;
  resolve6(host: string, options: { ttl: true }): Promise<TimedAddress[]>;
}

interface Cached {
  readonly resolution: Resolution;
  readonly until: number;
}

/**
 * Resolves with DNS alone: no hosts file, no search list, no number forms, unlike `dns.lookup`. IPv4 comes
 * first, since containers seldom have a route for the other family. Every use of an answer is judged anew, so a
 * cached one opens nothing that a fresh one would not; an answer with a time to live of 0 is used once.
 */
export function createResolver(
  server: NameServer = new Resolver({ timeout: 1_500, tries: 3 }),
  timeoutMs = TIMEOUT_MS,
  now: () => number = () => performance.now(),
): AddressResolver {
  const cache = new Map<string, Cached>();
  return async function resolve(host) {
    const cached = cache.get(host);
    if (cached !== undefined && cached.until > now()) return cached.resolution;
    const [v4, v6] = await Promise.all([
      inTime(server.resolve4(host, { ttl: true }), timeoutMs),
      inTime(server.resolve6(host, { ttl: true }), timeoutMs),
    ]);
    const answers = [...v4.addresses, ...v6.addresses].slice(0, MAX_ANSWERS);
    if (answers.length === 0) {
      return { ok: false, detail: `the name has no address (${v4.failure ?? v6.failure ?? "ENODATA"})` };
    }
    const resolution = { ok: true, addresses: answers.map(({ address }) => address) } as const;
    const age = Math.min(MAX_AGE_MS, ...answers.map(({ ttl }) => ttl * 1_000));
    cache.delete(host);
    if (age > 0) cache.set(host, { resolution, until: now() + age });
    const [oldest] = cache.keys();
    if (cache.size > MAX_CACHED && oldest !== undefined) cache.delete(oldest);
    return resolution;
  };
}

interface Answers {
  readonly addresses: readonly TimedAddress[];
  readonly failure?: string;
}

async function inTime(query: Promise<TimedAddress[]>, timeoutMs: number): Promise<Answers> {
  const { promise: timeout, resolve } = Promise.withResolvers<Answers>();
  const timer = setTimeout(() => resolve({ addresses: [], failure: "ETIMEOUT" }), timeoutMs);
  const answers = query.then(
    (addresses): Answers => ({ addresses }),
    (error: NodeJS.ErrnoException): Answers => ({ addresses: [], failure: error.code ?? error.message }),
  );
  try {
    return await Promise.race([answers, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
