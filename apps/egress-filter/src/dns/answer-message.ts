import { type DnsDecision, decideQuery, type NameRules } from "./decide-query.ts";
import { type AddressRecord, readQuery, writeAnswer, writeError } from "./dns-message.ts";

/** What goes back, and what is reported; nothing goes back to what was no query. */
export type Reply =
  | { readonly ok: true; readonly message: Buffer; readonly decision: DnsDecision }
  | { readonly ok: false };

/** `readRules` is asked for each query, so that a reloaded policy counts from the next one on. */
export interface Answering {
  readonly readRules: () => NameRules;
  readonly synthetic: AddressRecord;
}

/** From the bytes of a query to the bytes of its answer: the same for UDP and TCP. */
export function answerMessage(message: Uint8Array, { readRules, synthetic }: Answering): Reply {
  const reading = readQuery(message);
  if (reading.ok) {
    const { answer, decision } = decideQuery(reading.query, readRules(), synthetic);
    return { ok: true, message: writeAnswer(reading.query, answer), decision };
  }
  if (reading.code === "unanswerable") return { ok: false };
  const decision = { name: "", type: "", outcome: "refused", reason: "query_malformed" } as const;
  return { ok: true, message: writeError(reading.header, reading.code), decision };
}
