import { describe, expect, it } from "vitest";
import { decideApprovalsNeeded } from "./approvals-needed.ts";

describe("decideApprovalsNeeded", () => {
  it.each([
    ["LOW", false, 1],
    ["HIGH", false, 1],
    ["CRITICAL", false, 2],
    ["CRITICAL", true, 1],
    ["HIGH", true, 1],
  ] as const)("%s with single operator %s takes %i", (risk, isSingle, people) => {
    expect(decideApprovalsNeeded(risk, isSingle)).toBe(people);
  });
});
