import { randomUUID } from "node:crypto";
import type { EgressCaller, EgressGrant, EgressReturn, EgressTake } from "@claws/contracts";
import { ByteLease, DOWNLOAD_SIZES, KEPT_WHEN_SILENT, UPLOAD_SIZES } from "./byte-lease.ts";
import type { Clock } from "./clock.ts";
import type { Limiter } from "./limiter.ts";
import { type Stock, TakeLoop } from "./take-loop.ts";

/** The bytes of one caller's session at one host, for all of its connections. */
export class ByteAccount implements Stock {
  readonly up: ByteLease;
  readonly down: ByteLease;
  /** How many are open. */
  connections = 0;
  readonly #caller: EgressCaller;
  readonly #host: string;
  readonly #loop: TakeLoop;
  #seen = -1;
  #silentLooks = 0;

  constructor(caller: EgressCaller, host: string, limiter: Limiter, clock: Clock) {
    this.#caller = caller;
    this.#host = host;
    this.#loop = new TakeLoop(this, limiter, clock);
    const now = () => clock.now();
    const refill = () => this.#loop.refill();
    this.up = new ByteLease(UPLOAD_SIZES, now, refill);
    this.down = new ByteLease(DOWNLOAD_SIZES, now, refill);
  }

  nextTake(): EgressTake | undefined {
    const upBytes = this.up.wanted();
    const downBytes = this.down.wanted();
    if (upBytes === 0 && downBytes === 0) return undefined;
    return { id: randomUUID(), caller: this.#caller, host: this.#host, requests: 0, upBytes, downBytes };
  }

  receive(asked: EgressTake, { upBytes, downBytes, refused }: EgressGrant): void {
    const refusalOf = (what: keyof EgressGrant) => refused.find((entry) => entry.what === what);
    if (asked.upBytes > 0) this.up.receive(upBytes, refusalOf("upBytes"));
    if (asked.downBytes > 0) this.down.receive(downBytes, refusalOf("downBytes"));
  }

  isNeeded(): boolean {
    return this.up.isNeeded || this.down.isNeeded;
  }

  giveUp(before: number): void {
    this.up.giveUp(before);
    this.down.giveUp(before);
  }

  /** For how many looks in a row nothing was used: told from what is left, so that use itself notes nothing. */
  countSilentLooks(): number {
    const held = this.up.left + this.down.left;
    const isSilent = held === this.#seen && !this.#loop.isRunning;
    this.#seen = held;
    this.#silentLooks = isSilent ? this.#silentLooks + 1 : 0;
    return this.#silentLooks;
  }

  /** What an open but silent account can do without; undefined when that is nothing. */
  releaseSpare(): EgressReturn | undefined {
    return this.#giveBack(this.up.release(KEPT_WHEN_SILENT), this.down.release(KEPT_WHEN_SILENT));
  }

  /** Ends it. What is left of its leases, once all grants are known; undefined when that is nothing. */
  async close(): Promise<EgressReturn | undefined> {
    this.up.close();
    this.down.close();
    await this.#loop.settle();
    return this.#giveBack(this.up.release(0), this.down.release(0));
  }

  #giveBack(upBytes: number, downBytes: number): EgressReturn | undefined {
    if (upBytes === 0 && downBytes === 0) return undefined;
    return { id: randomUUID(), caller: this.#caller, host: this.#host, upBytes, downBytes };
  }
}
