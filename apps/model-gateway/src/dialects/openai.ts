import { type JsonObject, readCount, readObject, readObjects } from "../json-object.ts";
import { type Dialect, splitText, type Usage } from "./dialect.ts";

function readUsage(message: JsonObject): Usage | undefined {
  const usage = readObject(message["usage"]);
  const inputTokens = readCount(usage["prompt_tokens"]);
  const outputTokens = readCount(usage["completion_tokens"]);
  return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}

function frame(data: JsonObject | "[DONE]"): string {
  return `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

/** The deltas of one choice: its text in pieces, the rest of its message at once. */
function deltasOf(message: JsonObject): JsonObject[] {
  const { content, tool_calls: toolCalls, ...rest } = message;
  const texts = typeof content === "string" ? splitText(content).map((piece) => ({ content: piece })) : [];
  const calls = readObjects(toolCalls).map((call, index) => ({ tool_calls: [{ index, ...call }] }));
  return [{ ...rest, content: typeof content === "string" ? "" : null }, ...texts, ...calls];
}

/** `POST /v1/chat/completions`. */
export const OPENAI: Dialect = {
  name: "openai",
  path: "/v1/chat/completions",
  outputCaps: ["max_completion_tokens", "max_tokens"],
  readAnswers: ({ n }) => (n === undefined || n === null ? 1 : readCount(n)),
  forwardedHeaders: [],
  fixedHeaders: {},
  createKeyHeader: (key) => ({ authorization: `Bearer ${key}` }),

  createUpstreamBody(body, isStreamed) {
    const { stream: _stream, stream_options: options, ...rest } = body;
    if (!isStreamed) return rest;
    return { ...rest, stream: true, stream_options: { ...readObject(options), include_usage: true } };
  },

  readUsage,

  createUsageMeter() {
    let usage: Usage | undefined;
    return {
      add({ data }) {
        if (!data.startsWith("{")) return;
        usage = readUsage(JSON.parse(data) as JsonObject) ?? usage;
      },
      read: () => usage,
    };
  },

  createEvents(message) {
    const { choices, usage, ...rest } = message;
    const chunkOf = (members: JsonObject) => frame({ ...rest, object: "chat.completion.chunk", ...members });
    const frames = readObjects(choices).flatMap((choice) => {
      const { message: said, finish_reason: reason = "stop", index = 0, ...others } = choice;
      const deltas = deltasOf(readObject(said)).map((delta) =>
        chunkOf({ choices: [{ index, delta, finish_reason: null }] }),
      );
      return [...deltas, chunkOf({ choices: [{ ...others, index, delta: {}, finish_reason: reason }] })];
    });
    const counted = usage === undefined ? [] : [chunkOf({ choices: [], usage })];
    return [...frames, ...counted, frame("[DONE]")];
  },

  createMockMessage({ id, model, text, isCut, usage }) {
    const { inputTokens, outputTokens } = usage;
    return {
      id: `chatcmpl-${id}`,
      object: "chat.completion",
      created: 0,
      model,
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: text, refusal: null },
          logprobs: null,
          finish_reason: isCut ? "length" : "stop",
        },
      ],
      usage: {
        prompt_tokens: inputTokens,
        completion_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens,
      },
    };
  },
};
