import type { AuditBatch } from "@claws/contracts";
import { array, assert, integer, property, tuple } from "fast-check";
import { describe, expect, it } from "vitest";
import { planBatch } from "./plan-batch.ts";

const SPOOL = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b10";

function batchOf(first: number, count: number): AuditBatch {
  const events = Array.from(
    { length: count },
    (_, index) => ({ event: "egress.decided", outcome: "allow", subject: `${first + index}` }) as const,
  );
  return { spool: SPOOL, first, events };
}

describe("planning a batch", () => {
  it.each([
    ["the first of a spool", 1, 3, undefined, [1, 2, 3], 3, 0],
    ["the next", 4, 2, 3, [4, 5], 5, 0],
    ["one that overlaps", 2, 4, 3, [4, 5], 5, 0],
    ["one that is all there", 1, 3, 3, [], 3, 0],
    ["one from long ago", 1, 2, 90, [], 90, 0],
    ["one of a spool that this log never saw", 41, 2, undefined, [41, 42], 42, 40],
  ])("%s", (_what, first, count, known, numbers, through, missing) => {
    const plan = planBatch(batchOf(first, count), known);
    expect(plan).toMatchObject({ ok: true, through, missing });
    expect(plan.ok && plan.fresh.map(({ spoolSeq }) => spoolSeq)).toEqual(numbers);
    expect(plan.ok && plan.fresh.map(({ event }) => Number(event.subject))).toEqual(numbers);
  });

  it.each([
    [5, 3, 4],
    [2, 0, 1],
  ])("refuses number %i after %i: %i comes next", (first, known, expected) => {
    expect(planBatch(batchOf(first, 1), known)).toEqual({ ok: false, expected });
  });

  it("writes every number once and in order, whatever is sent again", () => {
    const stretches = array(tuple(integer({ min: 1, max: 30 }), integer({ min: 1, max: 8 })));
    assert(
      property(stretches, (sent) => {
        let known = 1;
        const written = [1];
        for (const [first, count] of sent) {
          const plan = planBatch(batchOf(first, count), known);
          if (!plan.ok) {
            expect(plan.expected).toBe(known + 1);
            expect(first).toBeGreaterThan(plan.expected);
            continue;
          }
          written.push(...plan.fresh.map(({ spoolSeq }) => spoolSeq));
          known = plan.through;
        }
        expect(written).toEqual(Array.from({ length: known }, (_, index) => index + 1));
      }),
      { seed: 19, numRuns: 500 },
    );
  });
});
