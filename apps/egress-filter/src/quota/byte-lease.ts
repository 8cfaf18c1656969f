import type { EgressGrant } from "@claws/contracts";
import type { ByteAllowance } from "./connection-quota.ts";

/** How much is leased ahead: little at first, more while it is used up quickly. */
export interface LeaseSizes {
  readonly first: number;
  readonly largest: number;
}

export const UPLOAD_SIZES: LeaseSizes = { first: 256 * 1024, largest: 4 * 1024 * 1024 };
export const DOWNLOAD_SIZES: LeaseSizes = { first: 1024 * 1024, largest: 16 * 1024 * 1024 };

/** What an open connection that is silent keeps, so that its next words cost no call. */
export const KEPT_WHEN_SILENT = 16 * 1024;

/** An answer that cut a lease holds for this long; then the limiter is asked again. */
const USED_UP_MS = 3_000;
const GROW_WITHIN_MS = 1_000;
const SHRINK_AFTER_MS = 10_000;
const GROWTH = 4;

export interface UsedUp {
  readonly key: string;
  readonly limit: number;
}

/** The limiter did not answer in time. */
export class LimiterAwayError extends Error {
  override readonly name = "LimiterAwayError";
}

interface Need {
  /** What has to be there, and what of it is used. */
  readonly atLeast: number;
  readonly uses: number;
  readonly since: number;
  readonly resolve: (isAllowed: boolean) => void;
  readonly reject: (error: LimiterAwayError) => void;
}

/**
 * The bytes of one direction that an account holds: whatever is here was counted by rate-limiter before. `use` is a
 * comparison and a subtraction while the lease lasts.
 */
export class ByteLease implements ByteAllowance {
  #left = 0;
  /** More is asked for below this, while there is still enough to go on with; -1: nothing is asked for ahead. */
  #low = -1;
  #size: number;
  #needs: Need[] = [];
  #needed = 0;
  #grantedAt: number | undefined;
  #usedUp: (UsedUp & { readonly until: number; readonly isFinal: boolean }) | undefined;
  #isClosed = false;
  readonly #sizes: LeaseSizes;
  readonly #now: () => number;
  readonly #refill: () => void;

  /** `refill` asks the limiter, soon, for what `wanted` says. */
  constructor(sizes: LeaseSizes, now: () => number, refill: () => void) {
    this.#sizes = sizes;
    this.#size = sizes.first;
    this.#now = now;
    this.#refill = refill;
  }

  get left(): number {
    return this.#left;
  }

  get isNeeded(): boolean {
    return this.#needs.length > 0;
  }

  /** What the limiter said when it gave less than was asked for, for some seconds. */
  get usedUp(): UsedUp | undefined {
    return this.#usedUp;
  }

  use(bytes: number): true | Promise<boolean> {
    if (bytes > this.#left || this.#needs.length > 0) return this.#need(bytes, bytes);
    this.#left -= bytes;
    if (this.#left < this.#low) this.#refill();
    return true;
  }

  /** Whether anything at all may be used. */
  open(): true | Promise<boolean> {
    return this.#left > 0 ? true : this.#need(1, 0);
  }

  #need(atLeast: number, uses: number): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    const now = this.#now();
    if (this.#usedUp?.isFinal === true && now < this.#usedUp.until && atLeast > this.#left) {
      return Promise.resolve(false);
    }
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#needs.push({ atLeast, uses, since: now, resolve, reject });
    this.#needed += uses;
    this.#refill();
    return promise;
  }

  /** How much to ask for now. */
  wanted(): number {
    if (this.#needs.length > 0) return Math.max(this.#size, this.#needed - this.#left);
    return this.#left < this.#low ? this.#size : 0;
  }

  /** Takes in a grant; `refusal` when the limiter has no more than that. */
  receive(granted: number, refusal: EgressGrant["refused"][number] | undefined): void {
    const now = this.#now();
    this.#left += granted;
    this.#adapt(granted, now);
    if (refusal === undefined) {
      this.#usedUp = undefined;
      // Of what was granted, not of what was asked for: near the limit shares are small, and asking until ours is
      // large again would take all of them.
      this.#low = granted / 2;
    } else {
      const { key, limit } = refusal;
      this.#usedUp = { key, limit, until: now + USED_UP_MS, isFinal: granted === 0 };
      this.#low = -1;
    }
    // A grant of nothing ends the waiting too, whatever else was said.
    this.#serve(refusal !== undefined || granted === 0);
  }

  #adapt(granted: number, now: number): void {
    const lasted = now - (this.#grantedAt ?? now - GROW_WITHIN_MS);
    this.#grantedAt = now;
    if (lasted > SHRINK_AFTER_MS) this.#size = Math.max(this.#size / 2, KEPT_WHEN_SILENT);
    else if (lasted < GROW_WITHIN_MS && granted >= this.#size) {
      this.#size = Math.min(this.#size * GROWTH, this.#sizes.largest);
    }
  }

  #serve(isLast: boolean): void {
    const waiting: Need[] = [];
    for (const need of this.#needs) {
      const isCovered = need.atLeast <= this.#left && (isLast || waiting.length === 0);
      if (isCovered) this.#left -= need.uses;
      if (!isCovered && !isLast) waiting.push(need);
      else {
        this.#needed -= need.uses;
        need.resolve(isCovered);
      }
    }
    this.#needs = waiting;
  }

  /** Ends the waiting of whoever began to before this moment, since the limiter is away. */
  giveUp(before: number): void {
    const waiting: Need[] = [];
    for (const need of this.#needs) {
      if (need.since > before) waiting.push(need);
      else {
        this.#needed -= need.uses;
        need.reject(new LimiterAwayError("rate-limiter does not answer"));
      }
    }
    this.#needs = waiting;
  }

  /** Gives up what is held above `keep`, and begins small again. */
  release(keep: number): number {
    const released = Math.max(0, this.#left - keep);
    this.#left -= released;
    if (released > 0) {
      this.#size = Math.min(this.#size, Math.max(keep, KEPT_WHEN_SILENT));
      this.#low = Math.min(this.#low, this.#size / 2);
    }
    return released;
  }

  close(): void {
    this.#isClosed = true;
    this.#low = -1;
    this.giveUp(Number.POSITIVE_INFINITY);
  }
}
