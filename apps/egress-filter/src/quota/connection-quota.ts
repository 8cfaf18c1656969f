import type { EgressReason } from "@claws/contracts";
import type { Caller } from "../caller.ts";

/** One direction of one connection. */
export interface ByteAllowance {
  /**
   * Counts bytes that are about to be relayed. `true` on the fast path; otherwise whether they may go, once it is
   * known: the reader pauses meanwhile. After `false` the connection ends.
   */
  use(bytes: number): true | Promise<boolean>;
}

/** What one connection may use; ended once, whatever happened. */
export interface ConnectionQuota {
  readonly up: ByteAllowance;
  readonly down: ByteAllowance;
  /** Counts one more request on a connection that carries several. */
  countRequest(): Promise<QuotaRefusal | undefined>;
  close(): void;
}

export interface QuotaRefusal {
  readonly reason: Extract<EgressReason, "rate_limited" | "budget_exceeded" | "dependency_down">;
  readonly detail: string;
  /** The profile key that sets the limit. */
  readonly key?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

export type QuotaAdmission =
  | { readonly ok: true; readonly quota: ConnectionQuota }
  | ({ readonly ok: false } & QuotaRefusal);

/** Counts one request and opens the byte accounts of a connection. */
export interface Quotas {
  admit(caller: Caller, host: string): Promise<QuotaAdmission>;
  close(): Promise<void>;
}
