import type { EgressCaller } from "@claws/contracts";
import type { Logger, ServiceClient } from "@claws/service-kit";
import { nameOf } from "../caller.ts";
import { ByteAccount } from "./byte-account.ts";
import { LimiterAwayError } from "./byte-lease.ts";
import { type Clock, REAL_CLOCK } from "./clock.ts";
import type { ConnectionQuota, QuotaAdmission, QuotaRefusal, Quotas } from "./connection-quota.ts";
import { createLimiter } from "./limiter.ts";
import { describeAway, describeUsedUp } from "./quota-refusals.ts";
import { RequestShare } from "./request-share.ts";
import { createReturns } from "./returns.ts";
import { createNoQuotas } from "./unlimited.ts";

export interface LeasedQuotasParts {
  /** rate-limiter. */
  readonly client: ServiceClient;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** How often leases are looked at, to give back what nobody uses. */
  readonly sweepMs?: number;
  /** How many accounts are kept; beyond that, those without a connection end early. */
  readonly maxAccounts?: number;
}

const SWEEP_MS = 1_000;
/** Looks without use after which a lease is given back: all of it without a connection, the most of it with one. */
const CLOSED_LOOKS = 5;
const SILENT_LOOKS = 10;
const MAX_ACCOUNTS = 4_096;
const CLOSE_WITHIN_MS = 4_000;

/**
 * Quotas in shares: rate-limiter alone knows the limits and counts what it hands out, and here it is used up without
 * asking. A crash loses what was held, never the limit. While rate-limiter is away what is held may be used up.
 */
export function createLeasedQuotas(parts: LeasedQuotasParts): Quotas {
  const { clock = REAL_CLOCK, sweepMs = SWEEP_MS, maxAccounts = MAX_ACCOUNTS } = parts;
  const limiter = createLimiter(parts.client, createReport(parts.logger));
  const returns = createReturns(limiter, clock);
  const unlimited = createNoQuotas();
  const shares = new Map<string, RequestShare>();
  /** Those that were used last are at the end. */
  const accounts = new Map<string, ByteAccount>();
  let isClosed = false;

  function shareOf(caller: EgressCaller, host: string): RequestShare {
    const name = nameOf(caller);
    const known = shares.get(name);
    if (known) return known;
    // Names of callers are the policy's own, so there are never more than it has.
    const share = new RequestShare(caller, host, limiter, clock);
    shares.set(name, share);
    return share;
  }

  function accountOf(key: string, caller: EgressCaller, host: string): ByteAccount {
    const known = accounts.get(key);
    if (known) return known;
    if (accounts.size >= maxAccounts) evictOne();
    const account = new ByteAccount(caller, host, limiter, clock);
    accounts.set(key, account);
    return account;
  }

  function evictOne(): void {
    for (const [key, account] of accounts) if (account.connections === 0) return void end(key, account);
  }

  async function end(key: string, account: ByteAccount): Promise<void> {
    accounts.delete(key);
    const back = await account.close();
    if (back) await returns.send(back);
  }

  function sweep(): void {
    for (const [key, account] of accounts) {
      const silent = account.countSilentLooks();
      if (account.connections === 0 && silent >= CLOSED_LOOKS) void end(key, account);
      else if (silent === SILENT_LOOKS) {
        const back = account.releaseSpare();
        if (back) void returns.send(back);
      }
    }
    void returns.retry();
  }
  const timer = setInterval(sweep, sweepMs);
  timer.unref();

  function openConnection(
    key: string,
    account: ByteAccount,
    caller: EgressCaller,
    host: string,
  ): ConnectionQuota {
    let isOpen = true;
    return {
      up: account.up,
      down: account.down,
      countRequest: async () => shareOf(caller, host).count(caller, host),
      close() {
        if (!isOpen) return;
        isOpen = false;
        leave(key, account);
      },
    };
  }

  function leave(key: string, account: ByteAccount): void {
    if (--account.connections > 0 || !accounts.has(key)) return;
    accounts.delete(key);
    accounts.set(key, account);
  }

  async function openAccount(account: ByteAccount, host: string): Promise<QuotaRefusal | undefined> {
    const { up, down } = account;
    try {
      const [mayUpload, mayDownload] = await Promise.all([up.open(), down.open()]);
      if (!mayUpload && up.usedUp) return describeUsedUp("upload", host, up.usedUp);
      if (!mayDownload && down.usedUp) return describeUsedUp("download", host, down.usedUp);
      return mayUpload && mayDownload ? undefined : describeAway();
    } catch (error) {
      if (error instanceof LimiterAwayError) return describeAway();
      throw error;
    }
  }

  return {
    async admit(caller, host): Promise<QuotaAdmission> {
      if (caller.kind === "service") return unlimited.admit(caller, host);
      const counting = shareOf(caller, host).count(caller, host);
      const tooMany = counting && (await counting);
      if (tooMany) return { ok: false, ...tooMany };
      if (isClosed) return { ok: false, ...describeAway() };

      const key = `${nameOf(caller)} ${caller.session} ${host}`;
      const account = accountOf(key, caller, host);
      account.connections++;
      if (account.up.left === 0 || account.down.left === 0) {
        const refusal = await openAccount(account, host);
        if (refusal) {
          leave(key, account);
          return { ok: false, ...refusal };
        }
      }
      return { ok: true, quota: openConnection(key, account, caller, host) };
    },

    async close() {
      if (isClosed) return;
      isClosed = true;
      clearInterval(timer);
      for (const share of shares.values()) share.close();
      const ended = Promise.all([...accounts].map(([key, account]) => end(key, account)));
      await Promise.race([ended.then(() => returns.retry()), clock.sleep(CLOSE_WITHIN_MS)]);
    },
  };
}

/** Says once that the limiter went away. */
function createReport(logger: Logger): (detail: string | undefined) => void {
  let isAway = false;
  return function report(detail) {
    if (detail !== undefined && !isAway) {
      logger.warn({ reason: detail }, "quotas cannot be taken: refusing what goes beyond the leases in hand");
    }
    if (detail === undefined && isAway) logger.info("quotas can be taken again");
    isAway = detail !== undefined;
  };
}
