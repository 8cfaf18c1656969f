import { array, assert, nat, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameReader, toFrame } from "./tcp-frames.ts";

describe("the frame reader", () => {
  it("gives the same messages however the stream is cut", () => {
    const sent = array(uint8Array({ maxLength: 300 }), { maxLength: 8 });
    assert(
      property(sent, array(nat(2_500), { maxLength: 12 }), (messages, cuts) => {
        const stream = Buffer.concat(messages.map((message) => toFrame(Buffer.from(message))));
        const read = createFrameReader(300);
        const bounds = [
          0,
          ...cuts.map((cut) => Math.min(cut, stream.length)).sort((a, b) => a - b),
          stream.length,
        ];
        const got = bounds.slice(1).flatMap((end, index) => {
          const reading = read(stream.subarray(bounds[index], end));
          expect(reading.ok).toBe(true);
          return reading.messages.map((message) => Buffer.from(message));
        });
        expect(got).toEqual(messages.map((message) => Buffer.from(message)));
      }),
      { seed: 20_260_305 },
    );
  });

  it("keeps what it has when the sender's buffer is used again", () => {
    const read = createFrameReader(16);
    const chunk = Buffer.of(0, 3, 1);
    expect(read(chunk).messages).toEqual([]);
    chunk.fill(0xff);
    expect(read(Buffer.of(2, 3)).messages).toEqual([Buffer.of(1, 2, 3)]);
  });

  it("ends at a length beyond the limit, after the messages before it", () => {
    const reading = createFrameReader(4)(Buffer.of(0, 1, 9, 0, 5));
    expect(reading).toEqual({ ok: false, messages: [Buffer.of(9)] });
  });
});
