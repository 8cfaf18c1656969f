import { Resolver } from "node:dns/promises";

/** Asks for a name's addresses, once per request; what it answers is what will be dialled. */
export type AddressResolver = (host: string) => Promise<Resolution>;

export type Resolution =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly reason: string };

const TIMEOUT_MS = 5_000;
const MAX_ANSWERS = 16;

/** The part of `dns.promises.Resolver` that is used. */
export interface NameServer {
  resolve4(host: string): Promise<string[]>;
  resolve6(host: string): Promise<string[]>;
}

/**
 * Resolves with DNS alone: no hosts file, no search list, no number forms, unlike `dns.lookup`. IPv4 comes
 * first, since containers seldom have a route for the other family.
 */
export function createResolver(
  server: NameServer = new Resolver({ timeout: 1_500, tries: 3 }),
  timeoutMs = TIMEOUT_MS,
): AddressResolver {
  return async function resolve(host) {
    const [v4, v6] = await Promise.all([
      inTime(server.resolve4(host), timeoutMs),
      inTime(server.resolve6(host), timeoutMs),
    ]);
    const addresses = [...v4.addresses, ...v6.addresses].slice(0, MAX_ANSWERS);
    if (addresses.length > 0) return { ok: true, addresses };
    return { ok: false, reason: `the name has no address (${v4.failure ?? v6.failure ?? "ENODATA"})` };
  };
}

interface Answers {
  readonly addresses: readonly string[];
  readonly failure?: string;
}

async function inTime(query: Promise<string[]>, timeoutMs: number): Promise<Answers> {
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
