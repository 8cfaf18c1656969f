/** Time as the quotas see it, so that tests can turn it. */
export interface Clock {
  /** Milliseconds from some moment on, never backwards. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  sleep(ms) {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, ms).unref();
    return promise;
  },
};
