import { readCount } from "../json-object.ts";
import type { CappedCall, ModelCall } from "../model-call.ts";
import { refuse } from "./refuse.ts";

const KEY = "limits.tokensPerRequest";

/** Bounds the output of a call: what it asks for if the profile allows that, the profile's cap if it asks for nothing. */
export function capTokens(call: ModelCall, tokensPerRequest: number): CappedCall {
  const { dialect, body } = call;
  const answers = dialect.readAnswers(body);
  if (answers === undefined || answers === 0)
    throw refuse("request_invalid", "n: ask for one answer or more");

  const asked = dialect.outputCaps.flatMap((member) => {
    const value = body[member];
    if (value === undefined || value === null) return [];
    const tokens = readCount(value);
    if (tokens === undefined || tokens === 0) {
      throw refuse("request_invalid", `${member}: send a whole number of tokens, 1 or more`);
    }
    return [tokens];
  });
  const perAnswer = asked.length === 0 ? Math.floor(tokensPerRequest / answers) : Math.max(...asked);
  const maxOutputTokens = perAnswer * answers;
  if (perAnswer === 0 || maxOutputTokens > tokensPerRequest) {
    const wanted = perAnswer === 0 ? `${answers} answers` : `${maxOutputTokens} tokens`;
    throw refuse(
      "tokens_exceeded",
      `the request asks for ${wanted} and ${KEY} is ${tokensPerRequest}: ask for less or raise it in the profile`,
      { key: KEY },
    );
  }
  if (asked.length > 0) return { ...call, maxOutputTokens };
  return { ...call, maxOutputTokens, body: { ...body, [dialect.outputCaps[0]]: perAnswer } };
}
