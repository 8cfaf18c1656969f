export interface FailureLimit {
  /** Takes a place for one attempt; how long to wait where there is none. */
  begin(): { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };
  /** Gives the place back: the attempt did not fail. */
  succeed(): void;
}

export interface FailureLimitOptions {
  readonly max: number;
  readonly windowMs: number;
  readonly now: () => number;
}

/** At most `max` failed attempts in any window, all callers together; attempts under way count as failed. */
export function createFailureLimit({ max, windowMs, now }: FailureLimitOptions): FailureLimit {
  let failures: number[] = [];
  return {
    begin() {
      const time = now();
      failures = failures.filter((failure) => failure > time - windowMs);
      const [oldest] = failures;
      if (failures.length >= max && oldest !== undefined) {
        return { ok: false, retryAfterMs: oldest + windowMs - time };
      }
      failures.push(time);
      return { ok: true };
    },
    succeed() {
      failures.pop();
    },
  };
}
