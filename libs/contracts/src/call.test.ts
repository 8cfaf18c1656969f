import { describe, expect, it } from "vitest";
import { FrozenCall, JsonObject, JsonValue } from "./call.ts";
import { ScanRequest } from "./scan.ts";

const withProto = (where: string): unknown => JSON.parse(where);

describe("a JSON value", () => {
  it("may be anything that JSON can say, and stays the very same", () => {
    const values: unknown[] = [
      null,
      true,
      "text",
      0,
      -1.5,
      [],
      {},
      [[{ a: [null] }]],
      { constructor: 1, toString: "x" },
    ];
    for (const value of values) expect(JsonValue.parse(value)).toBe(value);
  });

  it.each([undefined, Number.NaN, Infinity, 1n, new Date(0), new Map(), () => 1, Symbol("x"), [undefined]])(
    "is not %s",
    (value) => expect(JsonValue.safeParse(value).success).toBe(false),
  );

  it.each(['{"__proto__":1}', '{"a":[{"__proto__":{"secret":"x"}}]}', '[{"a":{"b":{"__proto__":null}}}]'])(
    "with a key that schemas silently drop is refused: %s",
    (text) => {
      expect(JsonValue.safeParse(withProto(text)).success).toBe(false);
      expect(ScanRequest.safeParse({ direction: "results", content: withProto(text) }).success).toBe(false);
    },
  );

  it("may be nested 512 deep and no deeper", () => {
    const nested = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth)) as unknown;
    expect(JsonValue.safeParse(nested(513)).success).toBe(true);
    expect(JsonValue.safeParse(nested(514)).success).toBe(false);
    expect(JsonValue.safeParse(nested(100_000)).success).toBe(false);
  });

  it("is no loop", () => {
    const loop: unknown[] = [];
    loop.push(loop, loop);
    expect(JsonValue.safeParse(loop).success).toBe(false);
  });
});

describe("a JSON object", () => {
  it.each([[{}], [{ a: [1] }], [Object.assign(Object.create(null), { a: 1 })]])("may be %j", (value) =>
    expect(JsonObject.safeParse(value).success).toBe(true),
  );

  it.each([[[]], [null], ["{}"], [7], [withProto('{"__proto__":{}}')]])("is not %j", (value) =>
    expect(JsonObject.safeParse(value).success).toBe(false),
  );
});

describe("a frozen call", () => {
  const hash = "a".repeat(64);
  const call = {
    agent: "main",
    session: "session-0123456789",
    profile: "filtered",
    server: "fs",
    imageDigest: `sha256:${hash}`,
    toolDefinitionHash: hash,
    tool: "fs__read_file",
    arguments: { path: "/workspace/a" },
    policyHash: hash,
  };

  it("has all of its fields", () => expect(FrozenCall.parse(call)).toEqual(call));

  it.each(Object.keys(call))("is none without its %s", (field) => {
    const { [field as keyof typeof call]: _left, ...rest } = call;
    expect(FrozenCall.safeParse(rest).success).toBe(false);
  });

  it.each([
    [{ agent: "Main" }],
    [{ session: "short" }],
    [{ tool: "read_file" }],
    [{ tool: "fs__" }],
    [{ imageDigest: hash }],
    [{ imageDigest: "node:24" }],
    [{ policyHash: hash.toUpperCase() }],
    [{ arguments: [] }],
    [{ arguments: withProto('{"__proto__":1}') }],
    [{ note: "one field more" }],
  ])("is none with %j", (change) => {
    expect(FrozenCall.safeParse({ ...call, ...change }).success).toBe(false);
  });
});
