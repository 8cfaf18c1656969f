import { randomUUID } from "node:crypto";
import type { EgressCaller, EgressGrant, EgressTake } from "@claws/contracts";
import type { Clock } from "./clock.ts";
import type { QuotaRefusal } from "./connection-quota.ts";
import type { Limiter } from "./limiter.ts";
import { describeAway, describeTooMany } from "./quota-refusals.ts";
import { type Stock, TakeLoop } from "./take-loop.ts";

/** The most that one take may ask for, by its contract. */
const LARGEST_TAKE = 1_000;
/** The most that is taken ahead. */
const LARGEST_SHARE = 500;
/** A request that was taken and not used within the minute that it was counted in is void. */
const VALID_MS = 60_000;
const GROW_WITHIN_MS = 250;
const SHRINK_AFTER_MS = 2_000;
/** A refusal is remembered for no longer than this, since the limit may be raised meanwhile. */
const REMEMBER_MS = 5_000;

interface Need {
  readonly since: number;
  readonly resolve: (refusal: QuotaRefusal | undefined) => void;
}

/**
 * The requests that one caller may begin, taken ahead for about as many as it began in the last moments: a slow caller
 * takes one at a time and loses none to other threads, a fast one waits for none.
 */
export class RequestShare implements Stock {
  readonly #loop: TakeLoop;
  readonly #clock: Clock;
  #caller: EgressCaller;
  #host: string;
  #left = 0;
  #low = 0;
  #size = 1;
  #takenAt: number | undefined;
  #validUntil = 0;
  #needs: Need[] = [];
  #blocked: { readonly until: number; readonly retryAt: number; readonly limit: number } | undefined;

  constructor(caller: EgressCaller, host: string, limiter: Limiter, clock: Clock) {
    this.#caller = caller;
    this.#host = host;
    this.#clock = clock;
    this.#loop = new TakeLoop(this, limiter, clock);
  }

  /** Counts one request; undefined at once when it may go, else a promise of whether. */
  count(caller: EgressCaller, host: string): undefined | Promise<QuotaRefusal | undefined> {
    const now = this.#clock.now();
    if (now >= this.#validUntil) this.#left = 0;
    if (this.#left > 0 && this.#needs.length === 0) {
      this.#left--;
      if (this.#left < this.#low) this.#loop.refill();
      return undefined;
    }
    const blocked = this.#blocked;
    if (blocked !== undefined && now < blocked.until) {
      return Promise.resolve(describeTooMany(blocked.limit, blocked.retryAt - now));
    }
    this.#caller = caller;
    this.#host = host;
    const { promise, resolve } = Promise.withResolvers<QuotaRefusal | undefined>();
    this.#needs.push({ since: now, resolve });
    this.#loop.refill();
    return promise;
  }

  nextTake(): EgressTake | undefined {
    if (this.#needs.length === 0 && this.#left >= this.#low) return undefined;
    const now = this.#clock.now();
    if (this.#takenAt !== undefined) {
      const lasted = now - this.#takenAt;
      if (lasted < GROW_WITHIN_MS) this.#size = Math.min(this.#size * 2, LARGEST_SHARE);
      else if (lasted > SHRINK_AFTER_MS) this.#size = Math.max(1, Math.floor(this.#size / 2));
    }
    this.#takenAt = now;
    const requests = Math.min(Math.max(this.#size, this.#needs.length), LARGEST_TAKE);
    const take = { id: randomUUID(), caller: this.#caller, host: this.#host };
    return { ...take, requests, upBytes: 0, downBytes: 0 };
  }

  receive(_asked: EgressTake, { requests, refused }: EgressGrant): void {
    const now = this.#clock.now();
    this.#left = (now < this.#validUntil ? this.#left : 0) + requests;
    this.#validUntil = now + VALID_MS;
    const refusal = refused.find(({ what }) => what === "requests");
    // Taking one ahead of a caller that comes once in a while would count two for one.
    this.#low = refusal === undefined && requests > 1 ? requests / 2 : 0;
    const served = this.#needs.splice(0, this.#left);
    this.#left -= served.length;
    for (const { resolve } of served) resolve(undefined);
    if (refusal === undefined) {
      this.#blocked = undefined;
      if (requests === 0) this.giveUp(Number.POSITIVE_INFINITY);
      return;
    }
    const retryAfterMs = refusal.retryAfterMs ?? REMEMBER_MS;
    this.#blocked = {
      until: now + Math.min(retryAfterMs, REMEMBER_MS),
      retryAt: now + retryAfterMs,
      limit: refusal.limit,
    };
    for (const { resolve } of this.#needs.splice(0)) resolve(describeTooMany(refusal.limit, retryAfterMs));
  }

  isNeeded(): boolean {
    return this.#needs.length > 0;
  }

  giveUp(before: number): void {
    const isOver = ({ since }: Need) => since <= before;
    for (const { resolve } of this.#needs.filter(isOver)) resolve(describeAway());
    this.#needs = this.#needs.filter((need) => !isOver(need));
  }

  close(): void {
    this.#low = 0;
    this.giveUp(Number.POSITIVE_INFINITY);
  }
}
