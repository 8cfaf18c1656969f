import { createProblem, type VerificationState } from "@claws/contracts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ServiceClient } from "./service-client.ts";
import { createVerificationGate, describeUnverified, type VerificationGate } from "./verification-gate.ts";

type Word = VerificationState["state"] | "away";

let word: Word;
let asked: number;
let required: boolean;
let gate: VerificationGate;

const client: Pick<ServiceClient, "call"> = {
  async call(schema) {
    asked++;
    if (word === "away") {
      const problem = createProblem("service_unavailable", { service: "broker", detail: "away" });
      return { ok: false, problem };
    }
    const value = schema.parse({
      state: word,
      at: null,
      holes: word === "failed" ? ["TOP-02", "TOP-02"] : [],
    });
    return { ok: true, value };
  },
};

beforeEach(async () => {
  vi.useFakeTimers();
  [word, asked, required] = ["pending", 0, true];
  gate = createVerificationGate({ client, isRequired: () => required });
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(() => {
  gate.close();
  vi.useRealTimers();
});

/** Broker says each of these for so many seconds. */
async function hear(...words: readonly (readonly [Word, number])[]): Promise<void> {
  for (const [next, seconds] of words) {
    word = next;
    await vi.advanceTimersByTimeAsync(seconds * 1_000);
  }
}
const isOpen = () => gate.refusal() === undefined;

describe("a door", () => {
  it.each<[string, readonly (readonly [Word, number])[], boolean]>([
    ["closed before anything was heard", [], false],
    ["closed while the first run goes on", [["pending", 500]], false],
    ["closed while broker was never there", [["away", 500]], false],
    ["closed after a run that failed", [["failed", 2]], false],
    [
      "open within a second of the first proof",
      [
        ["pending", 3],
        ["passed", 1.001],
      ],
      true,
    ],
    ["open for as long as the proof is confirmed", [["passed", 3_600]], true],
    [
      "open while broker is away for a minute",
      [
        ["passed", 2],
        ["away", 60],
      ],
      true,
    ],
    [
      "closed when it stays away",
      [
        ["passed", 2],
        ["away", 97],
      ],
      false,
    ],
    [
      "open while a new broker verifies",
      [
        ["passed", 2],
        ["away", 10],
        ["pending", 20],
      ],
      true,
    ],
    [
      "closed when it does not get to an end",
      [
        ["passed", 2],
        ["away", 10],
        ["pending", 87],
      ],
      false,
    ],
    [
      "closed within five seconds of a failure",
      [
        ["passed", 60],
        ["failed", 5.001],
      ],
      false,
    ],
    [
      "closed after a failure, whoever is away",
      [
        ["passed", 60],
        ["failed", 6],
        ["away", 1],
      ],
      false,
    ],
    [
      "closed after a failure, though broker starts anew",
      [
        ["passed", 60],
        ["failed", 6],
        ["pending", 9],
      ],
      false,
    ],
    [
      "open again within a second of the next proof",
      [
        ["failed", 60],
        ["passed", 1.001],
      ],
      true,
    ],
    [
      "open again when broker is back after long",
      [
        ["passed", 2],
        ["away", 300],
        ["passed", 1.001],
      ],
      true,
    ],
  ])("is %s", async (_when, words, expected) => {
    await hear(...words);
    expect(isOpen()).toBe(expected);
  });

  it("is never closed where the policy wants no proof, and closes as soon as it does", async () => {
    required = false;
    await hear(["failed", 2]);
    expect(isOpen()).toBe(true);
    required = true;
    expect(isOpen()).toBe(false);
  });

  it("asks every second until there is a proof, and every five seconds after", async () => {
    await hear(["pending", 10]);
    expect(asked).toBe(11);
    await hear(["passed", 1]);
    const before = asked;
    await hear(["passed", 60]);
    expect(asked - before).toBe(12);
  });

  it("asks no more after it was closed down", async () => {
    gate.close();
    await hear(["passed", 60]);
    expect(asked).toBe(1);
  });
});

describe("the refusal", () => {
  it.each<[string, VerificationState | undefined, RegExp]>([
    ["nothing yet", undefined, /try again in a few seconds/],
    [
      "holes",
      { state: "failed", at: null, holes: ["TOP-02", "TOP-02", "TOP-15"] },
      /\(TOP-02, TOP-15\).*claws verify/,
    ],
    ["no run", { state: "failed", at: null, holes: [] }, /could not be made.*claws verify/],
    ["an old proof", { state: "passed", at: null, holes: [] }, /90 s.*claws status/],
  ])("says what to do with %s", (_what, state, detail) => {
    expect(describeUnverified(state)).toMatch(detail);
  });
});
