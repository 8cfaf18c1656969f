import { EgressQuestion } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { describeAnswer, describeCaller, describeDestination, describeMethod } from "./question-words.ts";

const session = "session-0123456789";
const question = EgressQuestion.parse({
  id: "3f2c8a44-6a55-4c57-9f3e-0c6f2b7f1a11",
  caller: { kind: "agent", agent: "main", session },
  host: "ask.example",
  port: 443,
  method: "CONNECT",
  rule: "egress.rules[2]",
  askedAt: 1,
  expiresAt: 2,
  state: "open",
});

describe("a question in words", () => {
  it("says who, where to and how", () => {
    expect(describeCaller(question)).toBe("agent:main");
    const caller = EgressQuestion.shape.caller.parse({ kind: "server", server: "web", session });
    expect(describeCaller({ caller })).toBe("server:web");
    expect(describeDestination(question)).toBe("ask.example:443");
    expect(describeMethod(question)).toContain("tunnel");
    expect(describeMethod({ method: "GET" })).toBe("GET");
  });

  it.each([
    ["open", undefined, "waits"],
    ["once", "owner", "allowed once (owner)"],
    ["session", "owner", "allowed for the session (owner)"],
    ["always", "owner", "allowed for good (owner)"],
    ["deny", "owner", "denied (owner)"],
    ["expired", undefined, "expired: nobody answered in time"],
  ] as const)("%s by %s reads %s", (state, by, expected) =>
    expect(describeAnswer({ state, ...(by === undefined ? {} : { by }) })).toBe(expected),
  );
});
