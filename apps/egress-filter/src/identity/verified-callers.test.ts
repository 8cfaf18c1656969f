import { AgentId, type EgressCaller, SessionId } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createVerifiedCallers } from "./verified-callers.ts";

const caller: EgressCaller = {
  kind: "agent",
  agent: AgentId.parse("main"),
  session: SessionId.parse("session-0123456789"),
};

function start() {
  let time = 1_000_000;
  const callers = createVerifiedCallers(() => time);
  return { callers, at: (ms: number) => (time = 1_000_000 + ms), in: (ms: number) => 1_000_000 + ms };
}

describe("verified callers", () => {
  it.each([
    ["a credential that lasts", 3_600_000, 59_999, 60_000],
    ["a credential that ends sooner", 5_000, 4_999, 5_000],
  ])("keep %s until its time", (_what, end, before, after) => {
    const { callers, at, in: inMs } = start();
    callers.remember("a", caller, inMs(end));
    at(before);
    expect(callers.find("a")).toBe(caller);
    at(after);
    expect(callers.find("a")).toBeUndefined();
  });

  it("forget the oldest of more than 256", () => {
    const { callers, in: inMs } = start();
    for (let index = 0; index <= 256; index++) callers.remember(`h${index}`, caller, inMs(60_000));
    const kept = Array.from({ length: 257 }, (_, index) => callers.find(`h${index}`) !== undefined);
    expect(kept).toEqual([false, ...Array<boolean>(256).fill(true)]);
  });

  it("know nothing else", () => {
    const { callers, in: inMs } = start();
    callers.remember("abc", caller, inMs(60_000));
    for (const other of ["ABC", "abc ", "ab", "", "__proto__"]) expect(callers.find(other)).toBeUndefined();
  });
});
