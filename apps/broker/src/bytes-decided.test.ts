import type { AuditEvent, JsonValue } from "@claws/contracts";
import { asyncProperty, assert, constantFrom, dictionary, jsonValue, string } from "fast-check";
import canonicalize from "canonicalize";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "./parse/freeze-call.ts";
import { startPipeline } from "./testing/start-pipeline.ts";

/** Bytes executed are bytes decided: the promise that everything else rests on. */
describe("for whatever arguments", () => {
  let pipeline: ReturnType<typeof startPipeline>;
  beforeAll(() => {
    pipeline = startPipeline();
  });
  afterAll(() => pipeline.close());

  const keys = string({ unit: "grapheme", maxLength: 12 }).filter((key) => key !== "__proto__");
  const values = dictionary(keys, jsonValue({ maxDepth: 4, noUnicodeString: false }), { maxKeys: 6 });

  it("what arrives at the server is what was decided on, and its digest is in the record", async () => {
    await assert(
      asyncProperty(constantFrom("mail__echo", "mail__send"), values, async (tool, given) => {
        const sent = JSON.parse(JSON.stringify(given)) as Record<string, JsonValue>;
        const [calls, records] = [pipeline.received("mail").length, pipeline.events.length];
        const outcome = await pipeline.call(tool, sent);
        if (outcome.kind !== "result") throw new Error(JSON.stringify(outcome));

        const arrived = pipeline.received("mail").slice(calls);
        expect(arrived).toHaveLength(1);
        expect(arrived[0]?.params.name).toBe(tool.slice("mail__".length));
        expect(canonicalize(arrived[0]?.params.arguments)).toBe(canonicalize(sent));

        const decided = pipeline.events.slice(records).find(({ event }) => event === "call.decided");
        const scanned = pipeline.frozenOf(decided as AuditEvent, tool, arrived[0]?.params.arguments ?? {});
        expect(digestOf(scanned)).toBe(decided?.digest);
      }),
      { numRuns: 60 },
    );
  });
});
