import { Approval } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { readStack } from "../stack/stack.ts";
import { decideApproval, describeApproval } from "./approvals.ts";

const HASH = "a".repeat(64);
const approvalOf = (body: string): Approval =>
  Approval.parse({
    id: "3f2c8a44-6a55-4c57-9f3e-0c6f2b7f1a11",
    kind: "tool",
    state: "pending",
    digest: HASH,
    call: {
      agent: "main",
      session: "session-0123456789",
      profile: "filtered",
      server: "mail",
      imageDigest: `sha256:${HASH}`,
      toolDefinitionHash: HASH,
      tool: "mail__send_email",
      arguments: { body },
      policyHash: HASH,
    },
    risk: "HIGH",
    rule: "tools.rules[0] (mail__send_email)",
    reservation: "3f2c8a44-6a55-4c57-9f3e-0c6f2b7f1a12",
    createdAt: 1,
    expiresAt: 2,
    approvalsNeeded: 1,
    approvedBy: [],
  });

describe("an approval on the terminal", () => {
  it("shows the exact arguments", () => {
    expect(describeApproval(approvalOf("plain text"))).toContain('"body": "plain text"');
  });

  it.each([
    ["a C1 control sequence", "safe\u009b2K", "\u009b"],
    ["a change of direction", "\u202egnp.exe", "\u202e"],
    ["a zero-width space", "a\u200bb", "\u200b"],
    ["an escape", "\u001b[2J", "\u001b"],
  ])("never lets through %s", (_name, body, hidden) => {
    expect(describeApproval(approvalOf(body))).not.toContain(hidden);
  });
});

describe("deciding by id", () => {
  it.each(["", "3", "3f2c8a4", "*", "zzzzzzzz", "-3f2c8a44"])(
    "refuses %j before anything is asked",
    async (prefix) => {
      await expect(decideApproval(readStack("/nowhere", {}), prefix, "approve")).rejects.toThrow(
        "at least its first 8 characters",
      );
    },
  );
});
