import { array, assert, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { createTokenBuckets } from "./token-buckets.ts";

function createAt(limits: { perSecond: number; burst: number; maxKeys: number }) {
  const clock = { ms: 0 };
  const take = createTokenBuckets(limits, () => clock.ms);
  return { clock, takeMany: (key: string, times: number) => Array.from({ length: times }, () => take(key)) };
}

const granted = (answers: readonly boolean[]) => answers.filter(Boolean).length;

describe("token buckets", () => {
  it("give a burst, then what the time brought, and never more than a burst", () => {
    const { clock, takeMany } = createAt({ perSecond: 10, burst: 5, maxKeys: 2 });
    expect(takeMany("a", 8)).toEqual([true, true, true, true, true, false, false, false]);
    clock.ms = 250;
    expect(granted(takeMany("a", 8))).toBe(2);
    clock.ms = 60_000;
    expect(granted(takeMany("a", 8))).toBe(5);
  });

  it("keep keys apart", () => {
    const { takeMany } = createAt({ perSecond: 1, burst: 2, maxKeys: 2 });
    expect(granted(takeMany("a", 4))).toBe(2);
    expect(granted(takeMany("b", 4))).toBe(2);
    expect(granted(takeMany("a", 4))).toBe(0);
  });

  it("forget the oldest key, and only that, when there are too many", () => {
    const { takeMany } = createAt({ perSecond: 1, burst: 1, maxKeys: 2 });
    for (const key of ["a", "b", "c"]) expect(takeMany(key, 1)).toEqual([true]);
    expect(takeMany("b", 1)).toEqual([false]);
    expect(takeMany("a", 1)).toEqual([true]);
  });

  it("grant at most the burst and the rate, however the time passes", () => {
    assert(
      property(array(nat(400), { minLength: 1, maxLength: 100 }), (steps) => {
        const { clock, takeMany } = createAt({ perSecond: 20, burst: 7, maxKeys: 1 });
        let total = 0;
        for (const step of steps) {
          clock.ms += step;
          total += granted(takeMany("a", 3));
        }
        expect(total).toBeLessThanOrEqual(7 + (20 * clock.ms) / 1_000);
      }),
      { seed: 20_260_304 },
    );
  });
});
