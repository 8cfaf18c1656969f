import { assert, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { readAnswer, writeQuery } from "./dns-message.ts";

const bytes = (...parts: readonly (readonly number[] | string)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))),
  );
const header = (rcode: number, records: number, id = 7) => [
  0,
  id,
  0x81,
  0x80 + rcode,
  0,
  1,
  0,
  records,
  0,
  0,
  0,
  0,
];
const QUESTION = bytes([1], "a", [7], "example", [0, 0, 1, 0, 1]);
const address = (...octets: number[]) => [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, ...octets];

describe("a query", () => {
  it("has the name in labels, and asks for recursion, so that a forwarder forwards", () => {
    expect(writeQuery(7, "a.example", "A")).toEqual(
      bytes([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], [...QUESTION]),
    );
  });

  it("of the root has no label", () => {
    expect(writeQuery(7, "", "NS").subarray(12)).toEqual(Buffer.from([0, 0, 2, 0, 1]));
  });
});

describe("an answer", () => {
  it.each([
    ["NXDOMAIN", bytes(header(3, 0), [...QUESTION]), { rcode: 3, records: 0, addresses: [] }],
    [
      "an address",
      bytes(header(0, 1), [...QUESTION], address(10, 0, 0, 9)),
      { rcode: 0, records: 1, addresses: ["10.0.0.9"] },
    ],
    [
      "text, and an address after it",
      bytes(
        header(0, 2),
        [...QUESTION],
        [0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, 2, 1, 65],
        address(1, 2, 3, 4),
      ),
      { rcode: 0, records: 2, addresses: ["1.2.3.4"] },
    ],
  ])("with %s is read", (_what, message, expected) => {
    expect(readAnswer(7, message)).toEqual(expected);
  });

  it.each([
    ["to another query", bytes(header(3, 0, 8), [...QUESTION])],
    ["that is a query", writeQuery(7, "a.example", "A")],
    ["that ends in its header", Buffer.from(header(3, 0).slice(0, 11))],
    ["that ends in its question", bytes(header(3, 0), [9, 97])],
    ["that promises a record and has none", bytes(header(0, 1), [...QUESTION])],
    ["whose record is longer than the message", bytes(header(0, 1), [...QUESTION], address(1, 2, 3))],
  ])("%s is none", (_what, message) => expect(readAnswer(7, message)).toBeUndefined());

  it("of any bytes at all neither throws nor hangs", () => {
    assert(
      property(uint8Array({ maxLength: 200 }), (tail) => {
        readAnswer(7, bytes([0, 7, 0x81], [...tail]));
      }),
      { seed: 13, numRuns: 2_000 },
    );
  });
});
