import { describe, expect, it } from "vitest";
import { createSpoolMemory } from "./spool-memory.ts";

describe("the memory of spools", () => {
  it("knows the last number of each service's spool", () => {
    const memory = createSpoolMemory();
    memory.note({ service: "broker", spool: "a", spoolSeq: 1 });
    memory.note({ service: "broker", spool: "a", spoolSeq: 2 });
    memory.note({ service: "broker" });
    memory.note({ service: "egress-filter", spool: "a", spoolSeq: 7 });
    expect(memory.through("broker", "a")).toBe(2);
    expect(memory.through("egress-filter", "a")).toBe(7);
    expect(memory.through("broker", "b")).toBeUndefined();
    expect(memory.through("launcher", "a")).toBeUndefined();
  });

  it("keeps the thousand spools of a service that were written to last, and lets no other service push them out", () => {
    const memory = createSpoolMemory();
    for (let count = 1; count <= 1_000; count += 1)
      memory.note({ service: "broker", spool: `s${count}`, spoolSeq: 1 });
    memory.note({ service: "broker", spool: "s1", spoolSeq: 2 });
    for (let count = 0; count < 2_000; count += 1)
      memory.note({ service: "launcher", spool: `l${count}`, spoolSeq: 1 });
    memory.note({ service: "broker", spool: "new", spoolSeq: 1 });
    expect(memory.through("broker", "s1")).toBe(2);
    expect(memory.through("broker", "s2")).toBeUndefined();
    expect(memory.through("broker", "s3")).toBe(1);
    expect(memory.through("launcher", "l0")).toBeUndefined();
  });
});
