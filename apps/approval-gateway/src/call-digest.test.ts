import { describe, expect, it } from "vitest";
import { digestCall } from "./call-digest.ts";
import { createTestCall } from "./testing/test-call.ts";

describe("digestCall", () => {
  const call = createTestCall({ arguments: { b: 1, a: "x" } });

  it("does not depend on the order of keys", () => {
    const turned = Object.fromEntries(Object.entries(call).toReversed()) as typeof call;
    expect(digestCall({ ...turned, arguments: { a: "x", b: 1 } }).digest).toBe(digestCall(call).digest);
  });

  it.each([
    ["an argument", { arguments: { b: 2, a: "x" } }],
    ["an invisible character", { arguments: { b: 1, a: "x\u200b" } }],
    ["the policy", { policyHash: "2".repeat(64) }],
    ["the tool's definition", { toolDefinitionHash: "c".repeat(64) }],
    ["the image", { imageDigest: `sha256:${"d".repeat(64)}` }],
    ["the session", { session: "another-session-0" }],
  ])("changes with %s", (_name, change) => {
    const other = createTestCall({ ...call, ...change });
    expect(digestCall(other).digest).not.toBe(digestCall(call).digest);
  });
});
