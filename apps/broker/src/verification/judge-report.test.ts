import type { Probe, VerificationReport } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { holesOf, isInconclusive } from "./judge-report.ts";

const report = (failed: readonly string[], failure?: string, passed = false): VerificationReport => ({
  version: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  finishedAt: "2026-01-01T00:00:01.000Z",
  passed,
  probes: [...failed.map((id) => probe(id, false)), probe("TOP-01", true)],
  ...(failure === undefined ? {} : { failure }),
});
const probe = (id: string, passed: boolean): Probe => ({
  id,
  from: "agent:main",
  tried: "",
  expected: "",
  happened: "",
  passed,
});

describe("a run decides", () => {
  it.each<[string, VerificationReport, boolean]>([
    ["when it passed", report([], undefined, true), true],
    ["when it found a hole", report(["TOP-02"]), true],
    [
      "when it found a hole, though it did not get to its end",
      report(["TOP-02"], "the engine went away"),
      true,
    ],
    ["when it found a hole, though a door did not answer", report(["door-answers", "TOP-02"]), true],
    ["nothing when it could not be made", report([], "no launcher"), false],
    ["nothing while a door does not answer", report(["door-answers", "TOP-03-answers"]), false],
    ["nothing while neither holds", report(["proxy-answers"], "the engine went away"), false],
    ["when it says that it did not pass, and not why", report([]), true],
  ])("%s", (_when, of, decides) => expect(isInconclusive(of)).toBe(!decides));
});

it("names each hole once", () => {
  expect(holesOf(report(["TOP-02", "TOP-02", "TOP-15"]))).toEqual(["TOP-02", "TOP-15"]);
});
