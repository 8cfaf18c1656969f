import { describe, expect, it } from "vitest";
import { createScoreBoard } from "./egress-attacks.ts";

const line = (
  id: string,
  verdict: "PASS" | "LENIENT" | "OPAQUE" | "REACH" | "REFUSED",
  asWritten = true,
) => ({
  id,
  group: id.split("-")[0] ?? "",
  cls: "a class",
  verdict,
  seen: "what was seen",
  asWritten,
});
const skipped = { id: "TOP-02", group: "TOP", cls: "topology", skipped: "./claws verify" };

describe("the scoreboard", () => {
  const ours = [line("TLS-01", "PASS"), line("TLS-02", "PASS", false), line("DNS-01", "LENIENT"), skipped];
  const squid = [line("TLS-01", "OPAQUE"), line("TLS-02", "PASS", false), line("DNS-01", "REACH"), skipped];
  const board = createScoreBoard(ours, squid);
  const none = { pass: 0, lenient: 0, opaque: 0, reach: 0, refused: 0 };

  it("counts each group's verdicts on both sides", () => {
    expect(board.score).toEqual([
      { group: "TLS", n: 2, ours: { ...none, pass: 2 }, squid: { ...none, pass: 1, opaque: 1 } },
      { group: "DNS", n: 1, ours: { ...none, lenient: 1 }, squid: { ...none, reach: 1 } },
    ]);
    expect(board.figures).toMatchObject([{ id: "attacks_passed", ours: 2, theirs: 1, unit: "of 3" }]);
  });

  it("lists whatever did not pass, and of whom", () => {
    expect(board.failures.map(({ id, of, verdict }) => `${of} ${id} ${verdict}`)).toEqual([
      "ours DNS-01 LENIENT",
      "squid TLS-01 OPAQUE",
      "squid DNS-01 REACH",
    ]);
  });

  it("says what of ours held in another way than written, and what is proved elsewhere", () => {
    expect(board.otherwise).toEqual([{ id: "TLS-02", seen: "what was seen" }]);
    expect(board.skipped).toEqual([{ id: "TOP-02", where: "./claws verify" }]);
  });
});
