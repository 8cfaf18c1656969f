import { type EgressAnswer, EgressQuestion } from "@claws/contracts";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { OperatorClient } from "../operator-client.ts";
import { readStack } from "../stack/stack.ts";
import {
  addEgressPending,
  answerQuestion,
  describeOverlay,
  describeQuestion,
  pickQuestion,
} from "./egress-pending.ts";

const questionOf = (change: Partial<EgressQuestion> = {}): EgressQuestion => ({
  ...EgressQuestion.parse({
    id: "3f2c8a44-6a55-4c57-9f3e-0c6f2b7f1a11",
    caller: { kind: "agent", agent: "main", session: "session-0123456789" },
    host: "ask.example",
    port: 443,
    method: "CONNECT",
    rule: "egress.rules[2]",
    askedAt: 1_000,
    expiresAt: 31_000,
    state: "open",
  }),
  ...change,
});

describe("a question on the terminal", () => {
  it("is one line with who, where to, how, why and how long", () => {
    expect(describeQuestion(questionOf(), 2_500)).toBe(
      "3f2c8a44-6a55-4c57-9f3e-0c6f2b7f1a11  29 s left  agent:main  ask.example:443  CONNECT  session session-0123456789  (asked by egress.rules[2])",
    );
    expect(describeQuestion(questionOf({ state: "session", by: "owner" }), 0)).toContain("session (owner)");
  });

  it.each([
    ["a change of direction in the host", { host: "\u202egnp.example" }, "\u202e"],
    ["an escape in the method", { method: "\u001b[2JGET" }, "\u001b"],
    ["a line of its own in the method", { method: "GET\nok" }, "\n"],
    ["a zero-width space in the rule", { rule: "egress\u200b" }, "\u200b"],
  ])("never lets through %s", (_name, change, hidden) => {
    expect(describeQuestion(questionOf(change), 0)).not.toContain(hidden);
  });
});

describe("what was allowed for good", () => {
  it("says who allowed what for whom, and when", () => {
    expect(describeOverlay({ version: 1, rules: [] })).toBe("nothing was allowed for good");
    const entry = { allow: "a.example:443", caller: "agent:main", by: "owner", at: "2026-01-02T03:04:05Z" };
    expect(describeOverlay({ version: 1, rules: [entry] })).toBe(
      "a.example:443  agent:main  by owner  2026-01-02T03:04:05Z",
    );
  });
});

describe("answering by id", () => {
  const near = questionOf({ id: "3f2c8a44-0000-4c57-9f3e-0c6f2b7f1a11", host: "near.example" });
  const given: [string, number, EgressAnswer][] = [];
  const connect = async (): Promise<OperatorClient> => ({
    ...({} as OperatorClient),
    listQuestions: async () => [questionOf(), near],
    async answerQuestion(question, answer) {
      given.push([question.host, question.port, answer]);
      return questionOf({ host: question.host, state: answer });
    },
  });

  it.each(["", "3", "3f2c8a4", "*", "zzzzzzzz", "-3f2c8a44"])(
    "refuses %j before anything is asked",
    async (prefix) => {
      const nobody = () => Promise.reject(new Error("asked"));
      await expect(answerQuestion(nobody, prefix, "once")).rejects.toThrow("at least its first 8 characters");
    },
  );

  it("refuses a prefix of two questions, and one of none", () => {
    const open = [questionOf(), near];
    expect(() => pickQuestion(open, "3f2c8a44")).toThrow("2 open questions");
    expect(() => pickQuestion(open, "00000000")).toThrow("no open question");
    expect(pickQuestion(open, "3f2c8a44-0").host).toBe("near.example");
  });

  it("answers the one that was shown", async () => {
    expect(await answerQuestion(connect, "3f2c8a44-6", "session")).toMatchObject({ state: "session" });
    expect(given).toEqual([["ask.example", 443, "session"]]);
  });
});

describe("./claws egress", () => {
  it.each([
    [["allow", "3f2c8a44", "forever"], "Allowed choices are once, session, always"],
    [["allow", "3f2c8a44", "deny"], "Allowed choices are once, session, always"],
    [["allow", "3f2c8a44"], "missing required argument"],
    [["deny"], "missing required argument"],
    [["forget"], "missing required argument"],
  ])("%j is refused with what would be right", async (words, expected) => {
    const program = new Command("claws");
    let said = "";
    addEgressPending(program.command("egress"), readStack("/nowhere", {}), () => undefined);
    for (const command of [...program.commands, ...program.commands.flatMap(({ commands }) => commands)])
      command.exitOverride().configureOutput({ writeErr: (text) => (said += text) });
    await expect(program.exitOverride().parseAsync(["node", "claws", "egress", ...words])).rejects.toThrow();
    expect(said).toContain(expected);
  });
});
