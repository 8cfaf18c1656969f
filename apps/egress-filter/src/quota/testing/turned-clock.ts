import type { Clock } from "../clock.ts";

/** A clock that is turned by hand; whoever sleeps wakes when it has come so far. */
export function createTestClock() {
  let now = 0;
  let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ until: now + ms, wake })),
  };
  return {
    clock,
    turn(ms: number) {
      now += ms;
      const awake = sleepers.filter(({ until }) => until <= now);
      sleepers = sleepers.filter(({ until }) => until > now);
      for (const { wake } of awake) wake();
    },
  };
}

/** Lets everything happen that needs no time. */
export async function untilQuiet(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
