import { text } from "node:stream/consumers";
import { array, assert, asyncProperty, nat } from "fast-check";
import { describe, expect, it } from "vitest";
import { createDemultiplexer } from "./demultiplexer.ts";

function frame(kind: number, content: string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(Buffer.byteLength(content), 4);
  return Buffer.concat([header, Buffer.from(content)]);
}

async function take(chunks: readonly Buffer[]): Promise<{ stdout: string; stderr: string }> {
  const stderr: Buffer[] = [];
  const demultiplexer = createDemultiplexer((chunk) => stderr.push(Buffer.from(chunk)));
  for (const chunk of chunks) demultiplexer.write(chunk);
  demultiplexer.end();
  return { stdout: await text(demultiplexer), stderr: Buffer.concat(stderr).toString() };
}

describe("the demultiplexer", () => {
  it("keeps stdout and stderr apart, however the stream is cut into chunks", async () => {
    const whole = Buffer.concat([frame(1, "eins "), frame(2, "warning\n"), frame(1, ""), frame(1, "zwölf")]);
    await assert(
      asyncProperty(array(nat(whole.length), { maxLength: 12 }), async (cuts) => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const chunks = bounds.slice(1).map((end, index) => whole.subarray(bounds[index], end));
        expect(await take(chunks)).toEqual({ stdout: "eins zwölf", stderr: "warning\n" });
      }),
    );
  });

  it("ends with an error on a stream that is not multiplexed", async () => {
    await expect(take([Buffer.from("plain text of a terminal")])).rejects.toThrow("piece of kind");
  });
});
