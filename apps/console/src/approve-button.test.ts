import type { Approval } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { type ApproveSituation, decideApproveButton } from "./approve-button.ts";

const NOW = 1_000_000;
const approval = {
  risk: "HIGH",
  approvalsNeeded: 1,
  approvedBy: [] as string[],
  createdAt: NOW - 60_000,
  expiresAt: NOW + 60_000,
  call: { tool: "mail__send" } as unknown as Approval["call"],
} as const;
const situation: ApproveSituation = {
  approval,
  now: NOW,
  settledAt: NOW - 700,
  armedAt: undefined,
  isLive: true,
  isSending: false,
  operator: "owner",
};
const critical = { ...approval, risk: "CRITICAL" } as const;

describe("decideApproveButton", () => {
  it.each<[string, Partial<ApproveSituation>, string]>([
    ["a card that stood for 700 ms", {}, "on Approve"],
    ["a card that appeared 699 ms ago", { settledAt: NOW - 699 }, "off Approve"],
    ["while not live", { isLive: false }, "off Approve (not live)"],
    ["while sending", { isSending: true }, "off Sending"],
    ["in the last millisecond", { approval: { ...approval, expiresAt: NOW + 1 } }, "on Approve"],
    ["at expiry", { approval: { ...approval, expiresAt: NOW } }, "off Expired"],
    ["armed 699 ms ago", { armedAt: NOW - 699 }, "off Confirm: run mail__send"],
    ["armed 700 ms ago", { armedAt: NOW - 700 }, "on Confirm: run mail__send"],
    ["armed 10 s ago", { armedAt: NOW - 10_000 }, "on Approve"],
    ["armed, then not live", { armedAt: NOW - 800, isLive: false }, "off Approve (not live)"],
    ["CRITICAL, 9.999 s old", { approval: { ...critical, createdAt: NOW - 9_999 } }, "off Approve in 1 s"],
    ["CRITICAL, 10 s old", { approval: { ...critical, createdAt: NOW - 10_000 } }, "on Approve"],
    [
      "CRITICAL for two people, new",
      { approval: { ...critical, approvalsNeeded: 2, createdAt: NOW - 1 } },
      "on Approve",
    ],
    [
      "approved by me already",
      { approval: { ...critical, approvalsNeeded: 2, approvedBy: ["owner"] } },
      "off Waiting for a second person",
    ],
    [
      "approved by the other",
      { approval: { ...critical, approvalsNeeded: 2, approvedBy: ["second"] } },
      "on Approve",
    ],
  ])("%s", (_name, change, expected) => {
    const { isEnabled, label } = decideApproveButton({ ...situation, ...change });
    expect(`${isEnabled ? "on" : "off"} ${label}`).toBe(expected);
  });
});
