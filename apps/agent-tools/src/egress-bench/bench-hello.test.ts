import { describe, expect, it } from "vitest";
import { createBenchHello, type OriginTask, readOriginTask } from "./bench-hello.ts";

describe("a ClientHello of the bench", () => {
  it.each<OriginTask>([
    { task: "reply-and-close" },
    { task: "reply-and-stay" },
    { task: "stream", mebibytes: 512 },
  ])("carries %j", async (task) => {
    const hello = await createBenchHello("origin.example", task);
    expect(readOriginTask(hello)).toEqual(task);
    expect(hello.includes("origin.example")).toBe(true);
  });

  it("is one handshake record with a ClientHello", async () => {
    const hello = await createBenchHello("origin.example", { task: "reply-and-close" });
    expect(hello.readUInt8(0)).toBe(22);
    expect(hello.readUInt16BE(3)).toBe(hello.length - 5);
    expect(hello.readUInt8(5)).toBe(1);
  });

  it("says nothing until the whole of it is there, nor does another client's", async () => {
    const hello = await createBenchHello("origin.example", { task: "reply-and-close" });
    expect(readOriginTask(hello.subarray(0, -1))).toBeUndefined();
    expect(readOriginTask(Buffer.alloc(0))).toBeUndefined();
    expect(readOriginTask(Buffer.from(hello).fill(7, 11, 43))).toBeUndefined();
  });
});
