import { describe, expect, it } from "vitest";
import { createStderrLog } from "./stderr-log.ts";

function start() {
  const lines: string[] = [];
  let time = 0;
  const stderr = createStderrLog({ log: (line) => lines.push(line), now: () => time });
  const write = (text: string) => stderr.write(Buffer.from(text));
  return { lines, write, end: () => stderr.end(), pass: (ms: number) => (time += ms) };
}

describe("the log of a server's stderr", () => {
  it("has one entry per line, also when a line comes in pieces", () => {
    const { lines, write, end } = start();
    write("one\r\ntw");
    write("o\n\nthr");
    end();
    expect(lines).toEqual(["one", "two", "thr"]);
  });

  it.each([
    [8_192, ""],
    [8_193, " … (cut)"],
    [1_000_000, " … (cut)"],
  ])("keeps at most 8 KiB of a line of %i bytes", (length, mark) => {
    const { lines, write } = start();
    write("x".repeat(length));
    write("\nnext\n");
    expect(lines).toEqual([`${"x".repeat(8_192)}${mark}`, "next"]);
  });

  it("says once in a minute that it suppresses the rest", () => {
    const { lines, write, pass } = start();
    write("noise\n".repeat(100));
    expect(lines).toHaveLength(100);
    write("noise\n".repeat(500));
    expect(lines.slice(100)).toEqual(["suppressed: more than 100 lines in a minute"]);
    pass(59_999);
    write("noise\n");
    expect(lines).toHaveLength(101);
    pass(1);
    write("again\n");
    expect(lines[101]).toBe("again");
  });
});
