import type { Probe, VerificationReport } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { exitCodeOf, writeVerificationTable } from "./verification-table.ts";

const probe = (passed: boolean, change: Partial<Probe> = {}): Probe => ({
  id: "TOP-02",
  from: "agent:main",
  tried: "TCP to the machine",
  expected: "no way there",
  happened: "3 × ENETUNREACH",
  passed,
  ...change,
});
const report = (probes: Probe[], failure?: string): VerificationReport => ({
  version: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  finishedAt: "2026-01-01T00:00:01.000Z",
  passed: failure === undefined && probes.every(({ passed }) => passed),
  probes,
  ...(failure === undefined ? {} : { failure }),
});

describe("the exit code", () => {
  it.each([
    ["0 when all passed", report([probe(true)]), 0],
    ["1 when a probe failed", report([probe(true), probe(false)]), 1],
    ["1 when a probe failed and the run did too", report([probe(false)], "the engine went away"), 1],
    ["2 when nothing could be tried", report([], "the image is missing"), 2],
    ["2 when only the run failed", report([probe(true)], "a prober gave no report"), 2],
  ])("is %s", (_when, of, code) => {
    expect(exitCodeOf(of)).toBe(code);
  });
});

describe("the table", () => {
  it("has a line for each probe that passed, however much it says", () => {
    const lines = writeVerificationTable(report([probe(true, { tried: "x".repeat(300) })])).split("\n");
    expect(lines).toHaveLength(3);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(160);
    expect(lines[2]).toMatch(/^✓ no other way out: 1 probes/);
  });

  it("says all of a failure, after what passed", () => {
    const happened = `10.0.0.1:22/tcp answered, ${"y".repeat(250)}`;
    const table = writeVerificationTable(report([probe(false, { happened }), probe(true)]));
    expect(table.indexOf(happened)).toBeGreaterThan(table.indexOf("✓"));
    expect(table).toMatch(/✗ NOT VERIFIED: 1 of 2 probes failed$/);
  });

  it("shows a run that could not be made", () => {
    expect(writeVerificationTable(report([], "the image is missing"))).toContain("✗ the image is missing");
  });

  it("lets no text of a container's name reach the terminal as a command", () => {
    const happened = "container \u001b[2Jx is there too";
    expect(writeVerificationTable(report([probe(false, { happened })]))).not.toContain("\u001b");
  });
});
