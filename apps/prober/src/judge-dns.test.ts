import { describe, expect, it } from "vitest";
import type { Consultation } from "./ask-dns.ts";
import type { Outcome } from "./attempt.ts";
import { judgeAllowedName, judgeDnsAnswers, judgeUnknownNames } from "./judge-dns.ts";

const consultation = (
  outcome: Outcome,
  answer?: { rcode: number; addresses?: string[]; records?: number },
): Consultation => ({
  server: "127.0.0.11",
  name: "x.example",
  type: "A",
  transport: "udp",
  outcome,
  ...(answer === undefined
    ? {}
    : { answer: { addresses: [], records: answer.addresses?.length ?? 0, ...answer } }),
});
const ANSWERED: Outcome = { kind: "answered" };

describe("a name that leads nowhere", () => {
  it.each<[string, Consultation, boolean]>([
    ["NXDOMAIN", consultation(ANSWERED, { rcode: 3 }), true],
    ["SERVFAIL, where the engine forwards nothing", consultation(ANSWERED, { rcode: 2 }), true],
    ["REFUSED", consultation(ANSWERED, { rcode: 5 }), true],
    ["nobody listening", consultation({ kind: "refused" }), true],
    ["no way there", consultation({ kind: "unreachable", code: "ENETUNREACH" }), true],
    ["an address", consultation(ANSWERED, { rcode: 0, addresses: ["192.0.2.1"] }), false],
    ["records of another kind", consultation(ANSWERED, { rcode: 0, records: 13 }), false],
    ["a word that it exists", consultation(ANSWERED, { rcode: 0 }), false],
    ["what is no DNS", consultation({ kind: "odd", code: "no DNS message" }), false],
  ])("with %s", (_what, found, passed) => expect(judgeUnknownNames([found]).passed).toBe(passed));
});

describe("a name that the policy allows", () => {
  it.each<[string, Consultation, boolean]>([
    ["the proxy's address", consultation(ANSWERED, { rcode: 0, addresses: ["10.0.0.9"] }), true],
    ["no address", consultation(ANSWERED, { rcode: 3 }), true],
    ["the real address", consultation(ANSWERED, { rcode: 0, addresses: ["192.0.2.1"] }), false],
    ["both", consultation(ANSWERED, { rcode: 0, addresses: ["10.0.0.9", "192.0.2.1"] }), false],
  ])("with %s", (_what, found, passed) => expect(judgeAllowedName([found], "10.0.0.9").passed).toBe(passed));
});

it("a question that nobody answers may have gone anywhere", () => {
  const answered = consultation(ANSWERED, { rcode: 3 });
  expect(judgeDnsAnswers([answered, consultation({ kind: "silent" })]).passed).toBe(false);
  expect(judgeDnsAnswers([answered]).passed).toBe(true);
});
