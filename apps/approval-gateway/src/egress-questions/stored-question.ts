import { EgressCaller, EgressQuestion } from "@claws/contracts";
import type { ScriptReply } from "@claws/redis-kit";
import * as z from "zod";

/** A question as Redis holds it. An answer in it counts only with our seal. */
export interface StoredQuestion {
  readonly question: EgressQuestion;
  readonly seal: string;
  /** Milliseconds since the epoch; absent while nobody has answered. */
  readonly answeredAt: number | undefined;
}

const Record = z.object({
  id: z.string(),
  state: z.string(),
  caller: z.string(),
  host: z.string(),
  port: z.coerce.number(),
  method: z.string(),
  rule: z.string(),
  askedAt: z.coerce.number(),
  expiresAt: z.coerce.number(),
  by: z.string().optional(),
  seal: z.string().default(""),
  answeredAt: z.coerce.number().optional(),
});

/** Reads the flat field list that HGETALL gives inside a script; throws on what is no question. */
export function readStoredQuestion(fields: ScriptReply): StoredQuestion {
  if (!Array.isArray(fields)) throw new Error("a question is a list of fields");
  const list = fields as readonly ScriptReply[];
  const pairs = list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1]] as const] : []));
  const { caller, seal, answeredAt, ...record } = Record.parse(Object.fromEntries(pairs));
  const question = EgressQuestion.parse({ ...record, caller: EgressCaller.parse(JSON.parse(caller)) });
  return { question, seal, answeredAt };
}
