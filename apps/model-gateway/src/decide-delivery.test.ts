import type { DlpAction } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { decideDelivery } from "./decide-delivery.ts";

const actions = (pii: DlpAction) => ({
  secret: "allow" as const,
  pii,
  exfiltration: "flag" as const,
  injection: "allow" as const,
  size: "allow" as const,
});

describe("decideDelivery", () => {
  it.each([
    [true, "allow", "pass-through"],
    [true, "flag", "pass-through"],
    [true, "redact", "whole"],
    [true, "block", "whole"],
    [false, "allow", "whole"],
  ] as const)("a stream asked for: %j, strictest action %s: %s", (isStreamed, action, delivery) =>
    expect(decideDelivery(isStreamed, actions(action))).toBe(delivery),
  );
});
