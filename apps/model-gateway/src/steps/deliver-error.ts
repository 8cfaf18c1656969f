import type { ModelCall } from "../model-call.ts";
import type { ProviderAnswer } from "../providers/provider.ts";
import type { Reply } from "../reply.ts";
import { readAnswerJson } from "./deliver-whole.ts";
import { judgeStatus } from "./judge-status.ts";
import { refuse } from "./refuse.ts";
import type { ContentScreen } from "./screen-content.ts";
import type { CallSettler } from "./settle-call.ts";

/** A provider's refusal goes to the agent as it is, except where it is about the key, which is not the agent's. */
export async function deliverError(
  { provider }: ModelCall,
  answer: ProviderAnswer,
  settle: CallSettler,
  screen: ContentScreen,
): Promise<Reply> {
  const { status } = answer;
  const meaning = judgeStatus(status);
  const content = await readAnswerJson(answer.body);
  const kind = meaning === "unknown" ? "failed" : "rejected";
  const spent = await settle({ kind, code: `provider_${status}` });

  if (meaning === "key-refused") {
    const cure =
      provider.secret === undefined
        ? "name a secret in models"
        : `run './claws secrets set ${provider.secret}'`;
    throw refuse("model_unavailable", `the provider does not accept the key (${status}): ${cure}`);
  }
  if (content === undefined || meaning === "unknown") {
    throw refuse("model_unavailable", `the provider answered ${status}: try again later`);
  }
  const screened = await screen("model-responses", content);
  return {
    kind: "whole",
    status,
    headers: {
      ...answer.headers,
      "content-type": "application/json",
      "x-claws-spend-micro-usd": String(spent),
    },
    body: JSON.stringify(screened.content),
  };
}
