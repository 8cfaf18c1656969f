import { describe, expect, it } from "vitest";
import { type AnswerSituation, decideAnswerButtons } from "./answer-buttons.ts";

const NOW = 1_000_000;
const situation: AnswerSituation = {
  question: { expiresAt: NOW + 20_000 },
  now: NOW,
  settledAt: NOW - 700,
  armedAt: undefined,
  isLive: true,
  isSending: false,
};

describe("decideAnswerButtons", () => {
  it.each<[string, Partial<AnswerSituation>, string]>([
    ["a card that stood for 700 ms", {}, "allow, Allow for good"],
    ["a card that appeared 699 ms ago", { settledAt: NOW - 699 }, "off"],
    ["while not live", { isLive: false }, "off: Not live: nothing can be allowed"],
    ["while sending", { isSending: true }, "off: Sending"],
    ["in the last millisecond", { question: { expiresAt: NOW + 1 } }, "allow, Allow for good"],
    ["at expiry", { question: { expiresAt: NOW } }, "off: Expired: nobody answered in time, which is no"],
    ["armed 699 ms ago", { armedAt: NOW - 699 }, "allow, (Confirm: allow for good)"],
    ["armed 700 ms ago", { armedAt: NOW - 700 }, "allow, Confirm: allow for good"],
    ["armed 10 s ago", { armedAt: NOW - 10_000 }, "allow, Allow for good"],
    ["armed, then not live", { armedAt: NOW - 800, isLive: false }, "off: Not live: nothing can be allowed"],
    ["armed, then moved", { armedAt: NOW - 800, settledAt: NOW - 1 }, "off"],
  ])("%s", (_name, change, expected) => {
    const { canAllow, canAllowForGood, forGoodLabel, why } = decideAnswerButtons({ ...situation, ...change });
    const forGood = canAllowForGood ? forGoodLabel : `(${forGoodLabel})`;
    const seen = canAllow ? `allow, ${forGood}` : why === "" ? "off" : `off: ${why}`;
    expect(seen).toBe(expected);
    if (!canAllow) expect(canAllowForGood).toBe(false);
  });
});
