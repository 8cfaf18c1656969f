import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseReader, type SseEvent } from "./sse-reader.ts";

function read(chunks: readonly Uint8Array[]): SseEvent[] {
  const events: SseEvent[] = [];
  const reader = createSseReader((event) => events.push(event));
  chunks.forEach((chunk) => reader.push(chunk));
  return events;
}
const STREAM =
  ': ping\r\n\r\nevent: a\r\ndata: {"x":"ü€"}\r\n\r\ndata: one\ndata:two\nid: 7\n\ndata\n\ndata: unfinished';
const EVENTS = [
  { event: "a", data: '{"x":"ü€"}' },
  { event: "message", data: "one\ntwo" },
  { event: "message", data: "" },
];

describe("createSseReader", () => {
  it("gives complete events only", () => expect(read([Buffer.from(STREAM)])).toEqual(EVENTS));

  it("does not care where the chunks are cut", () => {
    const bytes = Buffer.from(STREAM);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(read(chunks)).toEqual(EVENTS);
      }),
    );
  });

  it("does not collect an event without end", () => {
    const line = Buffer.from(`data: ${"x".repeat(4 * 1024 * 1024)}`);
    expect(() => read([line])).toThrow(/longer than 4 MiB/);
  });
});
