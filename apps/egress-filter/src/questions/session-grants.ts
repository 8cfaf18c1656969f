import type { Logger, ServiceClient } from "@claws/service-kit";
import * as z from "zod";

/** One caller's one session and one destination. `caller` is its name, for instance `agent:main`. */
export interface GrantedDestination {
  readonly caller: string;
  readonly session: string;
  readonly host: string;
  readonly port: number;
}

/** What people allowed for a session, as far as this thread knows it; approval-gateway knows all of it. */
export interface SessionGrants {
  has(destination: GrantedDestination): boolean;
  /** Holds for a moment, until the gateway's list has it. */
  add(destination: GrantedDestination): void;
  close(): void;
}

/** `GET /v1/egress/grants`; times are milliseconds since the epoch. */
const Grants = z.object({
  grants: z.array(
    z.object({
      caller: z.string(),
      session: z.string(),
      host: z.string(),
      port: z.int(),
      until: z.int(),
    }),
  ),
});

const RELOAD_MS = 30_000;
/** Two reloads and a bit: the gateway's list has it by then, or it never was. */
const UNLISTED_HOLDS_MS = 70_000;
const MOST = 10_000;

export interface SessionGrantsParts {
  readonly client: ServiceClient;
  readonly logger: Logger;
  readonly reloadMs?: number;
}

/**
 * Read at start and every half minute. What is missing here is asked about, and the gateway, which has it, answers
 * at once; so a list that is short or old costs one exchange and opens nothing.
 */
export function createSessionGrants({
  client,
  logger,
  reloadMs = RELOAD_MS,
}: SessionGrantsParts): SessionGrants {
  const stopping = new AbortController();
  let listed = new Map<string, number>();
  const unlisted = new Map<string, number>();
  let isReported = false;

  async function reload(): Promise<void> {
    const { signal } = stopping;
    const answer = await client.call(Grants, { method: "GET", path: "/v1/egress/grants", signal });
    if (signal.aborted) return;
    if (!answer.ok) {
      if (!isReported)
        logger.warn({ detail: answer.problem.detail }, "cannot read what was allowed for sessions");
      isReported = true;
      return;
    }
    isReported = false;
    listed = new Map(answer.value.grants.slice(0, MOST).map((grant) => [keyOf(grant), grant.until]));
    dropExpired(unlisted);
  }
  const timer = setInterval(() => void reload(), reloadMs);
  timer.unref();
  void reload();

  return {
    has(destination) {
      const key = keyOf(destination);
      return Math.max(listed.get(key) ?? 0, unlisted.get(key) ?? 0) > Date.now();
    },
    add(destination) {
      if (unlisted.size < MOST) unlisted.set(keyOf(destination), Date.now() + UNLISTED_HOLDS_MS);
    },
    close() {
      clearInterval(timer);
      stopping.abort();
    },
  };
}

function dropExpired(entries: Map<string, number>): void {
  const now = Date.now();
  for (const [key, until] of entries) if (until <= now) entries.delete(key);
}

/** None of the parts has a space in it. */
export function keyOf({ caller, session, host, port }: GrantedDestination): string {
  return `${caller} ${session} ${host} ${port}`;
}
