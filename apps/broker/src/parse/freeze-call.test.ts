import { createHash } from "node:crypto";
import type { FrozenCall, JsonValue } from "@claws/contracts";
import { assert, jsonValue, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { prepareTestCall } from "../testing/prepare-test-call.ts";
import { digestOf, freezeCall } from "./freeze-call.ts";

const { call } = prepareTestCall({ values: { to: "a", options: { list: [1, { deep: true }], note: null } } });

/** The same value with the keys of every object the other way round. */
function turned(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(turned);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, inside]) => [key, turned(inside)]));
}

describe("a frozen call", () => {
  it("has the digest of its canonical JSON (RFC 8785)", () => {
    const canonical = '{"a":[1500,"é",null],"b":2}';
    const expected = createHash("sha256").update(canonical).digest("hex");
    expect(digestOf({ b: 2, a: [1.5e3, "é", null] })).toBe(expected);
  });

  it("has one digest, in whatever order its keys came", () => {
    expect(freezeCall(turned(call) as FrozenCall).digest).toBe(freezeCall(call).digest);
    assert(
      property(jsonValue({ maxDepth: 4 }), (value) => {
        expect(digestOf(turned(value as JsonValue))).toBe(digestOf(value));
      }),
    );
  });

  it.each<[string, Partial<Record<keyof FrozenCall, unknown>>]>([
    ["agent", { agent: "other" }],
    ["session", { session: "session-9876543210" }],
    ["profile", { profile: "basic" }],
    ["server", { server: "mail2" }],
    ["image", { imageDigest: `sha256:${"2".repeat(64)}` }],
    ["tool definition", { toolDefinitionHash: "2".repeat(64) }],
    ["tool", { tool: "mail__send2" }],
    ["policy", { policyHash: "2".repeat(64) }],
    ["argument", { arguments: { ...call.arguments, to: "b" } }],
    ["argument more", { arguments: { ...call.arguments, cc: "b" } }],
    ["argument less", { arguments: { to: "a" } }],
    ["value deep inside", { arguments: { to: "a", options: { list: [1, { deep: false }], note: null } } }],
    ["order in a list", { arguments: { to: "a", options: { list: [{ deep: true }, 1], note: null } } }],
    ["type of a value", { arguments: { to: ["a"], options: call.arguments["options"] } }],
  ])("has another digest with another %s", (_what, change) => {
    expect(freezeCall({ ...call, ...change } as FrozenCall).digest).not.toBe(freezeCall(call).digest);
  });

  it("covers every field of a call with its digest", () => {
    for (const field of Object.keys(call)) {
      const { [field as keyof FrozenCall]: _left, ...rest } = call;
      expect(digestOf(rest)).not.toBe(digestOf(call));
    }
  });

  it("cannot be changed, at any depth", () => {
    const frozen = freezeCall(call);
    const options = frozen.call.arguments["options"] as { list: [number, { deep: boolean }] };
    expect(() => Object.assign(frozen, { digest: "x" })).toThrow(TypeError);
    expect(() => Object.assign(frozen.call, { tool: "x" })).toThrow(TypeError);
    expect(() => Object.assign(frozen.call.arguments, { to: "x" })).toThrow(TypeError);
    expect(() => Object.assign(options, { list: [] })).toThrow(TypeError);
    expect(() => options.list.push(1)).toThrow(TypeError);
    expect(() => Object.assign(options.list[1], { deep: false })).toThrow(TypeError);
  });

  it("does not change with what it was made from", () => {
    const values = { to: "a" };
    const frozen = freezeCall({ ...call, arguments: values });
    values.to = "evil";
    expect(frozen.call.arguments).toEqual({ to: "a" });
    expect(digestOf(frozen.call)).toBe(frozen.digest);
  });

  it.each([undefined, Number.NaN, Infinity, "\ud800", () => 1])("has no digest of %s", (value) => {
    expect(() => digestOf(value)).toThrow();
  });
});
