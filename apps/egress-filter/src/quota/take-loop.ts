import type { EgressGrant, EgressTake } from "@claws/contracts";
import type { Clock } from "./clock.ts";
import type { Limiter } from "./limiter.ts";

/** What is kept in stock by taking ahead. */
export interface Stock {
  /** The next take; undefined while there is enough. */
  nextTake(): EgressTake | undefined;
  receive(asked: EgressTake, grant: EgressGrant): void;
  /** Somebody waits for a take. */
  isNeeded(): boolean;
  /** Ends the waiting of whoever has waited since before this moment. */
  giveUp(before: number): void;
}

/** How long somebody waits for a limiter that does not answer. */
const PATIENCE_MS = 2_000;
const RETRY_MS = 250;
/** When nobody waits, an absent limiter is left alone for this long. */
const PAUSE_MS = 1_000;

/**
 * Takes for one stock, one at a time. A take without an answer may have been counted: it is sent again under its own id
 * until its grant is known, so that nothing is counted twice or lost.
 */
export class TakeLoop {
  readonly #stock: Stock;
  readonly #limiter: Limiter;
  readonly #clock: Clock;
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();
  #unanswered: EgressTake | undefined;
  #quietUntil = Number.NEGATIVE_INFINITY;

  constructor(stock: Stock, limiter: Limiter, clock: Clock) {
    this.#stock = stock;
    this.#limiter = limiter;
    this.#clock = clock;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Called on the fast path too: cheap while a take is under way. */
  refill(): void {
    if (this.#isRunning) return;
    if (this.#clock.now() < this.#quietUntil && !this.#stock.isNeeded()) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      const asked = this.#unanswered ?? this.#stock.nextTake();
      if (asked === undefined) break;
      if (await this.#take(asked)) continue;
      this.#stock.giveUp(this.#clock.now() - PATIENCE_MS);
      if (!this.#stock.isNeeded()) {
        this.#quietUntil = this.#clock.now() + PAUSE_MS;
        break;
      }
      await this.#clock.sleep(RETRY_MS);
    }
    this.#isRunning = false;
  }

  async #take(asked: EgressTake): Promise<boolean> {
    this.#unanswered = asked;
    const grant = await this.#limiter.take(asked);
    if (grant === undefined) return false;
    this.#unanswered = undefined;
    this.#stock.receive(asked, grant);
    return true;
  }

  /** Waits for what is under way, so that all that was granted is in stock. */
  async settle(): Promise<void> {
    await this.#running;
    if (this.#unanswered !== undefined) await this.#take(this.#unanswered);
  }
}
