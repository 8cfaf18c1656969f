import type { Risk } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { needsApproval } from "./needs-approval.ts";

describe("a person is asked", () => {
  it.each([
    ["LOW", false],
    ["MEDIUM", false],
    ["HIGH", true],
    ["CRITICAL", true],
    ["a level of tomorrow", true],
  ])("for %s: %s", (risk, expected) => expect(needsApproval(risk as Risk)).toBe(expected));
});
