import { afterEach, describe, expect, it, vi } from "vitest";
import { readReadiness } from "./readiness.ts";

afterEach(() => void vi.useRealTimers());

describe("readiness", () => {
  it("is a yes when every check says yes", async () => {
    expect(await readReadiness({ redis: () => true, auditor: async () => true })).toEqual({
      ready: true,
      missing: [],
    });
    expect(await readReadiness({})).toEqual({ ready: true, missing: [] });
  });

  it.each([
    ["says no", () => false],
    ["says no later", async () => false],
    ["rejects", () => Promise.reject(new Error("down"))],
    [
      "throws",
      () => {
        throw new Error("down");
      },
    ],
  ])("is a no that names the check which %s", async (_what, check) => {
    expect(await readReadiness({ redis: () => true, auditor: check })).toEqual({
      ready: false,
      missing: ["auditor"],
    });
  });

  it("takes a check that hangs for a no, and waits for none of the others longer than a second", async () => {
    vi.useFakeTimers();
    const hangs = () => new Promise<boolean>(() => undefined);
    const report = readReadiness({ redis: hangs, auditor: () => true, launcher: hangs });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await report).toEqual({ ready: false, missing: ["redis", "launcher"] });
  });
});
