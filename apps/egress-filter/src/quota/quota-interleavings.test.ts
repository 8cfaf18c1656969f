import { randomUUID } from "node:crypto";
import { EgressCaller } from "@claws/contracts";
import { createLogger } from "@claws/service-kit";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { ConnectionQuota } from "./connection-quota.ts";
import { createLeasedQuotas } from "./leased-quotas.ts";
import { createTestClient, PLENTY } from "./testing/memory-client.ts";
import { createTestClock, untilQuiet } from "./testing/turned-clock.ts";

const logger = createLogger("test");
logger.level = "silent";

it("any interleaving of uses, answers, losses and closings: never over a limit, exact in the end", async () => {
  const limits = { ...PLENTY, upPerSession: 2_000_000, upPerHost: 900_000 };
  const HOSTS = ["a.org", "b.org", "c.org"] as const;
  const step = fc.record({
    thread: fc.nat(2),
    host: fc.nat(2),
    does: fc.constantFrom("send", "send", "send", "close", "lose answers", "find answers", "turn"),
    bytes: fc.oneof(fc.nat(70_000), fc.nat(700_000)),
  });
  let exhausted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(step, { minLength: 30, maxLength: 80 }),
      async (scheduler, steps) => {
        const time = createTestClock();
        const { client, state, limiter } = createTestClient(limits, () =>
          scheduler.schedule(Promise.resolve()),
        );
        const caller = EgressCaller.parse({ kind: "agent", agent: "main", session: randomUUID() });
        const threads = [0, 1, 2].map(() =>
          createLeasedQuotas({ client, logger, clock: time.clock, sweepMs: 1_000_000 }),
        );
        const passed = { "a.org": 0, "b.org": 0, "c.org": 0 };
        const connections = new Map<string, Promise<ConnectionQuota | undefined>>();

        const assertLimits = () => {
          const total = passed["a.org"] + passed["b.org"] + passed["c.org"];
          expect(total).toBeLessThanOrEqual(limits.upPerSession);
          for (const host of HOSTS) {
            expect(passed[host]).toBeLessThanOrEqual(limits.upPerHost);
            expect(passed[host]).toBeLessThanOrEqual(limiter.counted(host).up);
          }
        };
        const connection = (thread: number, host: string) => {
          const key = `${thread} ${host}`;
          const known = connections.get(key);
          if (known) return known;
          const opening = Promise.resolve(threads[thread]?.admit(caller, host)).then((admission) =>
            admission?.ok === true ? admission.quota : undefined,
          );
          connections.set(key, opening);
          return opening;
        };
        const send = async (thread: number, host: (typeof HOSTS)[number], bytes: number) => {
          const quota = await connection(thread, host);
          if (quota === undefined) return;
          try {
            if (!(await quota.up.use(bytes))) return void exhausted++;
          } catch {
            return;
          }
          passed[host] += bytes;
          assertLimits();
        };

        const sent: Promise<void>[] = [];
        for (const { thread, host: index, does, bytes } of steps) {
          const host = HOSTS[index] ?? "a.org";
          if (does === "send") sent.push(send(thread, host, bytes));
          else if (does === "close") {
            const closing = connections.get(`${thread} ${host}`);
            connections.delete(`${thread} ${host}`);
            void closing?.then((quota) => quota?.close());
          } else if (does === "turn") time.turn(bytes % 5_000);
          else state.losesAnswers = does === "lose answers";
          if (scheduler.count() > 0) await scheduler.waitOne();
          await untilQuiet();
          assertLimits();
        }
        state.losesAnswers = false;
        const finish = async (work: Promise<unknown>) => {
          const progress = { isDone: false };
          void work.then(() => (progress.isDone = true));
          while (!progress.isDone) {
            await untilQuiet();
            if (scheduler.count() > 0) await scheduler.waitOne();
            else time.turn(100);
          }
        };
        await finish(Promise.all(sent));
        await finish(Promise.all(threads.map((thread) => thread.close())));
        assertLimits();
        for (const host of HOSTS) expect(limiter.counted(host)).toEqual({ up: passed[host], down: 0 });
      },
    ),
    { seed: 8, numRuns: 150 },
  );
  // Some of them came to their limit, or this shows nothing.
  expect(exhausted).toBeGreaterThan(50);
}, 60_000);
