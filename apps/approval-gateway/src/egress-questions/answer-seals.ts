import { createHmac, createPrivateKey, hkdfSync, timingSafeEqual } from "node:crypto";
import type { EgressAnswer, EgressQuestion } from "@claws/contracts";
import type { StoredQuestion } from "./stored-question.ts";

export interface AnswerSeals {
  seal(question: EgressQuestion, answer: EgressAnswer, operator: string): string;
  /** The question as it may be acted on: a yes that does not carry our seal reads as a no. */
  read(this: void, stored: StoredQuestion): EgressQuestion;
}

/** Seals every answer, so that writing `session` into Redis opens nothing. The key is derived as that of votes is. */
export function createAnswerSeals(receiptKeyPem: string): AnswerSeals {
  const secret = createPrivateKey(receiptKeyPem).export({ type: "pkcs8", format: "der" });
  const key = Buffer.from(hkdfSync("sha256", secret, "", "sandbox-claws egress answers", 32));
  const seal = ({ id, caller, host, port }: EgressQuestion, answer: string, operator: string) =>
    createHmac("sha256", key)
      .update(JSON.stringify([id, caller.kind, nameIn(caller), caller.session, host, port, answer, operator]))
      .digest("base64url");
  return {
    seal,
    read({ question, seal: given }) {
      const { state, by = "" } = question;
      const isYes = state === "once" || state === "session" || state === "always";
      return isYes && !isSame(given, seal(question, state, by)) ? { ...question, state: "deny" } : question;
    },
  };
}

function nameIn(caller: EgressQuestion["caller"]): string {
  return caller.kind === "agent" ? caller.agent : caller.server;
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
