import { describe, expect, test } from "vitest";
import { createLogLines, type LogLine } from "./log-lines.ts";

function frame(source: number, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = source;
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

async function cut(bytes: Buffer, size: number, isTerminal = false): Promise<LogLine[]> {
  const lines = createLogLines({ isTerminal });
  for (let at = 0; at < bytes.length; at += size) lines.write(bytes.subarray(at, at + size));
  lines.end();
  return (await lines.toArray()) as LogLine[];
}

describe("a framed log becomes lines of two sources, however it is cut", () => {
  const bytes = Buffer.concat([
    frame(1, "one\ntw"),
    frame(2, "błąd\n"),
    frame(1, ""),
    frame(1, "o\n"),
    frame(2, "no end"),
  ]);
  test.each([1, 3, 7, 8, 9, 1_000])("in pieces of %i", async (size) => {
    expect(await cut(bytes, size)).toEqual([
      { source: "stdout", text: "one" },
      { source: "stderr", text: "błąd" },
      { source: "stdout", text: "two" },
      { source: "stderr", text: "no end" },
    ]);
  });
});

test("a terminal's log is taken as it is, without its control sequences", async () => {
  expect(await cut(Buffer.from("\u001b[31mred\u001b[0m\r\n"), 2, true)).toEqual([
    { source: "stdout", text: "red" },
  ]);
});

test("a line of any length is shown in pieces", async () => {
  const lines = await cut(Buffer.from("a".repeat(200_000)), 50_000, true);
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.map(({ text }) => text).join("")).toBe("a".repeat(200_000));
});

test("a stream that is not framed is an error, not garbage", async () => {
  await expect(cut(Buffer.from("plain text, no frames"), 100)).rejects.toThrow("not framed");
});
