import type { VerificationReport } from "@claws/contracts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Conclusion, createVerifier, type VerificationRequest, type Verifier } from "./verifier.ts";

type Found = "passed" | "hole" | "unanswered" | "away";

const IDS: Record<Found, readonly string[]> = {
  passed: [],
  hole: ["TOP-02"],
  unanswered: ["door-answers"],
  away: [],
};
const report = (found: Found): VerificationReport => ({
  version: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  finishedAt: "2026-01-01T00:00:01.000Z",
  passed: found === "passed",
  probes: IDS[found].map((id) => ({
    id,
    from: "agent:main",
    tried: "",
    expected: "",
    happened: "",
    passed: false,
  })),
  ...(found === "away" ? { failure: "launcher cannot be asked" } : {}),
});

const RUN_MS = 2_000;
let found: Found;
let requests: VerificationRequest[];
let conclusions: Conclusion[];
let inconclusive: number;
let verifier: Verifier;

function start(isRequired = true): void {
  verifier = createVerifier({
    isRequired,
    async probe(request) {
      requests.push(request);
      const now = found;
      await new Promise((resolve) => setTimeout(resolve, now === "away" ? 0 : RUN_MS));
      return report(now);
    },
    onConclusion: (conclusion) => conclusions.push(conclusion),
    onInconclusive: () => inconclusive++,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  [found, requests, conclusions, inconclusive] = ["passed", [], [], 0];
});
afterEach(() => {
  verifier.close();
  vi.useRealTimers();
});

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000);
const state = () => verifier.state().state;

describe("the boot run", () => {
  it("is made at once, and until it passed the door is closed", async () => {
    start();
    expect([state(), requests.length]).toEqual(["pending", 1]);
    expect(verifier.refusal()).toMatchObject({
      code: "stack_unverified",
      status: 503,
      reason: "unverified",
      key: "egress.requireVerification",
      detail: expect.stringContaining("try again in a few seconds"),
    });
    await pass(2.001);
    expect(state()).toBe("passed");
    expect(verifier.refusal()).toBeUndefined();
  });

  it("is tried again soon while something is not up yet", async () => {
    found = "away";
    start();
    await pass(3);
    found = "unanswered";
    await pass(3);
    expect([state(), conclusions.length]).toEqual(["pending", 0]);
    expect(requests.length).toBeGreaterThan(9);
    found = "passed";
    await pass(5);
    expect(state()).toBe("passed");
    expect(conclusions).toHaveLength(1);
  });

  it("that finds a hole has failed at once", async () => {
    found = "hole";
    start();
    await pass(2.001);
    expect(verifier.state()).toEqual({ state: "failed", at: "2026-01-01T00:00:01.000Z", holes: ["TOP-02"] });
    expect(verifier.refusal()?.detail).toContain("TOP-02");
  });

  it("has failed when after a minute there is still nobody to ask", async () => {
    found = "away";
    start();
    await pass(59);
    expect(state()).toBe("pending");
    await pass(2);
    expect(state()).toBe("failed");
    expect(conclusions.at(-1)?.report.failure).toBe("launcher cannot be asked");
    found = "passed";
    await pass(33);
    expect(state()).toBe("passed");
  });

  it("closes no door where the policy wants no proof, and is made all the same", async () => {
    found = "hole";
    start(false);
    await pass(3);
    expect(state()).toBe("failed");
    expect(verifier.refusal()).toBeUndefined();
  });
});

describe("after a proof", () => {
  beforeEach(async () => {
    start();
    await pass(3);
  });

  it("a run is made every hour", async () => {
    await pass(3_599);
    expect(requests).toHaveLength(2);
    await pass(3_605);
    expect(requests).toHaveLength(3);
    expect(conclusions.map(({ isNews }) => isNews)).toEqual([true, false, false]);
  });

  it("a hole closes the door, and it opens by itself when the hole is closed", async () => {
    found = "hole";
    await pass(3_605);
    expect(state()).toBe("failed");
    await pass(40);
    expect(conclusions.at(-1)).toMatchObject({ isNews: false });
    found = "passed";
    await pass(40);
    expect(state()).toBe("passed");
  });

  it("the word stands for a minute while nobody can be asked, and no longer", async () => {
    found = "away";
    await pass(3_600);
    await pass(50);
    expect(state()).toBe("passed");
    await pass(20);
    expect(state()).toBe("failed");
  });

  it("somebody's own run that finds a hole closes the door", async () => {
    found = "hole";
    const run = verifier.verify({ decoyPort: 45_000 });
    await pass(2.001);
    expect((await run).passed).toBe(false);
    expect(state()).toBe("failed");
    found = "passed";
    await pass(40);
    expect(state()).toBe("passed");
  });

  it("somebody's own run that cannot be made has the stack look again until it knows", async () => {
    found = "away";
    const run = verifier.verify({});
    await pass(0.001);
    expect((await run).failure).toBe("launcher cannot be asked");
    expect(state()).toBe("passed");
    await pass(70);
    expect(state()).toBe("failed");
  });
});

describe("runs that are asked for while one goes on", () => {
  beforeEach(async () => {
    start();
    await pass(3);
    requests.length = 0;
  });

  it("join it", async () => {
    const runs = [verifier.verify({}), verifier.verify({}), verifier.verify({})];
    await pass(2.001);
    const [first, ...others] = await Promise.all(runs);
    expect(requests).toEqual([{}]);
    expect(others.every((other) => other === first)).toBe(true);
  });

  it("come after it when they bring a decoy of their own, one at a time", async () => {
    const runs = [verifier.verify({}), verifier.verify({ decoyPort: 1 }), verifier.verify({ decoyPort: 2 })];
    await pass(1);
    expect(requests).toEqual([{}]);
    await pass(9);
    await Promise.all(runs);
    expect(requests).toEqual([{}, { decoyPort: 1 }, { decoyPort: 2 }]);
  });
});

it("does nothing more once it is closed", async () => {
  start();
  verifier.close();
  await pass(7_200);
  expect([requests.length, conclusions.length]).toEqual([1, 0]);
});
