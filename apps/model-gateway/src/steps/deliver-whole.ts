import type { JsonValue } from "@claws/contracts";
import { isJsonObject, type JsonObject } from "../json-object.ts";
import type { ModelCall } from "../model-call.ts";
import type { ProviderAnswer } from "../providers/provider.ts";
import type { Reply } from "../reply.ts";
import { parseJson } from "./read-json-body.ts";
import { refuse } from "./refuse.ts";
import type { ContentScreen } from "./screen-content.ts";
import type { CallSettler } from "./settle-call.ts";

/** dlp-scanner takes 8 MiB; the rest is the envelope. */
const LARGEST_ANSWER = 8 * 1024 * 1024 - 4 * 1024;

/** Takes the whole answer, books it, has it scanned, and gives it in the form that the agent asked for. */
export async function deliverWhole(
  { dialect, isStreamed }: ModelCall,
  answer: ProviderAnswer,
  settle: CallSettler,
  screen: ContentScreen,
): Promise<Reply> {
  const message = await readMessage(answer);
  if (message === undefined) {
    await settle({ kind: "failed", code: "model_unavailable" });
    throw refuse("model_unavailable", "the provider's answer is not one JSON object of at most 8 MiB");
  }
  const spent = await settle({ kind: "answered", usage: dialect.readUsage(message) });
  const { content } = await screen("model-responses", message);
  const headers = { ...answer.headers, "x-claws-spend-micro-usd": String(spent) };
  if (isStreamed && isJsonObject(content)) {
    const body = dialect.createEvents(content).join("");
    return { kind: "whole", status: 200, headers: { ...headers, "content-type": "text/event-stream" }, body };
  }
  return {
    kind: "whole",
    status: 200,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(content),
  };
}

async function readMessage(answer: ProviderAnswer): Promise<JsonObject | undefined> {
  const value = await readAnswerJson(answer.body);
  return isJsonObject(value) ? value : undefined;
}

/** The body as JSON; undefined where it broke off, is too large or is something else. */
export async function readAnswerJson(body: AsyncIterable<Uint8Array>): Promise<JsonValue | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      length += chunk.length;
      if (length > LARGEST_ANSWER) return undefined;
      chunks.push(chunk);
    }
    return parseJson(Buffer.concat(chunks));
  } catch {
    // Broken off, not UTF-8, not JSON: the caller reports all of them in the same words.
    return undefined;
  }
}
