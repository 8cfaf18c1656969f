/** How often something may happen per key: `burst` at once, `perSecond` in the long run. */
export interface BucketLimits {
  readonly perSecond: number;
  readonly burst: number;
  /** How many keys are remembered. Beyond it the oldest begins anew, so put one bucket for all beside it. */
  readonly maxKeys: number;
}

/** Takes one token of a key's bucket; false when it is empty. */
export type TokenBuckets = (key: string) => boolean;

interface Bucket {
  tokens: number;
  at: number;
}

/** `now` gives milliseconds that never run backwards. */
export function createTokenBuckets(limits: BucketLimits, now = () => performance.now()): TokenBuckets {
  const { perSecond, burst, maxKeys } = limits;
  const buckets = new Map<string, Bucket>();

  function open(key: string): Bucket {
    const oldest = buckets.keys().next();
    if (buckets.size >= maxKeys && !oldest.done) buckets.delete(oldest.value);
    const bucket = { tokens: burst, at: now() };
    buckets.set(key, bucket);
    return bucket;
  }

  return function take(key) {
    const bucket = buckets.get(key) ?? open(key);
    const at = now();
    bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1_000) * perSecond);
    bucket.at = at;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };
}
