import { generateKeyPairSync, randomUUID } from "node:crypto";
import { Approval } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createTestRequest } from "./testing/test-call.ts";
import { createVoteSeals } from "./vote-seals.ts";

const createKey = () =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const seals = createVoteSeals(createKey());

function approvalFor(people: 1 | 2): Approval {
  return Approval.parse({
    ...createTestRequest("CRITICAL"),
    id: randomUUID(),
    kind: "tool",
    state: "approved",
    createdAt: 1,
    expiresAt: 2,
    approvalsNeeded: people,
    approvedBy: [],
  });
}

describe("seals of votes", () => {
  const approval = approvalFor(2);
  const vote = (operator: string, of = approval) => ({ operator, seal: seals.seal(of, operator) });

  it.each([
    ["two people", [vote("ann"), vote("bob")], true],
    ["one person", [vote("ann")], false],
    ["one person twice", [vote("ann"), vote("ann")], false],
    ["nobody", [], false],
    ["a made-up seal", [vote("ann"), { operator: "bob", seal: "x".repeat(43) }], false],
    ["a seal under another name", [vote("ann"), { ...vote("ann"), operator: "bob" }], false],
    ["a seal of another approval", [vote("ann"), vote("bob", approvalFor(2))], false],
    ["a seal for a milder demand", [vote("ann"), vote("bob", { ...approval, approvalsNeeded: 1 })], false],
    ["a seal for a milder risk", [vote("ann"), vote("bob", { ...approval, risk: "HIGH" })], false],
  ])("%s: %s", (_name, votes, expected) => {
    expect(seals.isApproved({ approval, votes })).toBe(expected);
  });

  it("of another key count for nothing", () => {
    const other = createVoteSeals(createKey());
    const votes = ["ann", "bob"].map((operator) => ({ operator, seal: other.seal(approval, operator) }));
    expect(seals.isApproved({ approval, votes })).toBe(false);
  });
});
