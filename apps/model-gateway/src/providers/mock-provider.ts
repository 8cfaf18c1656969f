import { createHash } from "node:crypto";
import { type JsonObject, readCount, readObjects } from "../json-object.ts";
import type { Provider, ProviderRequest } from "./provider.ts";

/** Ordinary English text has about four characters to a token. */
const CHARACTERS_PER_TOKEN = 4;
const LONGEST_ECHO = 200;

/** Answers from inside, the same to the same request: for a tour, a test or a machine without a network. */
export function createMockProvider(): Provider {
  return {
    async send(request) {
      const message = createMessage(request);
      const chunks = request.isStreamed ? request.dialect.createEvents(message) : [JSON.stringify(message)];
      return {
        outcome: "answered",
        status: 200,
        headers: { "content-type": request.isStreamed ? "text/event-stream" : "application/json" },
        body: toBytes(chunks),
      };
    },
  };
}

function createMessage({ dialect, body }: ProviderRequest): JsonObject {
  const { model } = body;
  const request = JSON.stringify(body);
  const whole = `This is a mock model: no provider was called. You said: ${shorten(readLastUserText(body))}`;
  const caps = dialect.outputCaps.flatMap((member) => readCount(body[member]) ?? []);
  const longest = Math.min(...caps) * CHARACTERS_PER_TOKEN;
  const text = whole.slice(0, longest);
  return dialect.createMockMessage({
    id: createHash("sha256").update(request).digest("hex").slice(0, 24),
    model: typeof model === "string" ? model : "mock",
    text,
    isCut: text.length < whole.length,
    usage: {
      inputTokens: Math.ceil(request.length / CHARACTERS_PER_TOKEN),
      outputTokens: Math.ceil(text.length / CHARACTERS_PER_TOKEN),
    },
  });
}

/** Both dialects keep the conversation in `messages`, with content as a string or as parts with `text`. */
function readLastUserText(body: JsonObject): string {
  const content = readObjects(body["messages"]).findLast(({ role }) => role === "user")?.["content"];
  if (typeof content === "string") return content;
  const texts = readObjects(content).map(({ text }) => text);
  return texts.filter((text) => typeof text === "string").join(" ");
}

function shorten(text: string): string {
  return text.length <= LONGEST_ECHO ? text : `${text.slice(0, LONGEST_ECHO).toWellFormed()}…`;
}

async function* toBytes(chunks: readonly string[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}
