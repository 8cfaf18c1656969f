import { type JsonObject, readCount, readObject, readObjects } from "../json-object.ts";
import { type Dialect, splitText, type Usage } from "./dialect.ts";

/** A cache entry that lives an hour is billed at twice the input price, the dearest there is. */
const CACHE_WRITE_WEIGHT = 2;

function readInputTokens(usage: JsonObject): number | undefined {
  const input = readCount(usage["input_tokens"]);
  if (input === undefined) return undefined;
  const read = readCount(usage["cache_read_input_tokens"]) ?? 0;
  const written = readCount(usage["cache_creation_input_tokens"]) ?? 0;
  return input + read + CACHE_WRITE_WEIGHT * written;
}

function usageOf(inputTokens: number | undefined, outputTokens: number | undefined): Usage | undefined {
  return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}

function frame(event: JsonObject & { readonly type: string }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** How a content block starts in a stream, and the deltas that complete it. */
function partsOf(block: JsonObject): { start: JsonObject; deltas: JsonObject[] } {
  const { type, text, thinking, signature, input } = block;
  if (type === "text" && typeof text === "string") {
    return {
      start: { ...block, text: "" },
      deltas: splitText(text).map((piece) => ({ type: "text_delta", text: piece })),
    };
  }
  if (type === "thinking" && typeof thinking === "string") {
    return {
      start: { ...block, thinking: "", signature: "" },
      deltas: [
        ...splitText(thinking).map((piece) => ({ type: "thinking_delta", thinking: piece })),
        ...(typeof signature === "string" ? [{ type: "signature_delta", signature }] : []),
      ],
    };
  }
  if (type === "tool_use" || type === "server_tool_use") {
    const deltas = [{ type: "input_json_delta", partial_json: JSON.stringify(input ?? {}) }];
    return { start: { ...block, input: {} }, deltas };
  }
  return { start: block, deltas: [] };
}

/** `POST /v1/messages`. */
export const ANTHROPIC: Dialect = {
  name: "anthropic",
  path: "/v1/messages",
  outputCaps: ["max_tokens"],
  readAnswers: () => 1,
  forwardedHeaders: ["anthropic-version"],
  fixedHeaders: { "anthropic-version": "2023-06-01" },
  createKeyHeader: (key) => ({ "x-api-key": key }),

  createUpstreamBody(body, isStreamed) {
    const { stream: _stream, ...rest } = body;
    return isStreamed ? { ...rest, stream: true } : rest;
  },

  readUsage(message) {
    const usage = readObject(message["usage"]);
    return usageOf(readInputTokens(usage), readCount(usage["output_tokens"]));
  },

  createUsageMeter() {
    let inputTokens: number | undefined;
    let outputTokens: number | undefined;
    return {
      add({ data }) {
        if (!data.startsWith("{")) return;
        const event = JSON.parse(data) as JsonObject;
        if (event["type"] === "message_start") {
          inputTokens = readInputTokens(readObject(readObject(event["message"])["usage"]));
        }
        if (event["type"] === "message_delta") {
          const usage = readObject(event["usage"]);
          outputTokens = readCount(usage["output_tokens"]) ?? outputTokens;
          inputTokens = readInputTokens(usage) ?? inputTokens;
        }
      },
      read: () => usageOf(inputTokens, outputTokens),
    };
  },

  createEvents(message) {
    const { content, stop_reason: reason = null, stop_sequence: sequence = null, usage } = message;
    const counted = readObject(usage);
    const started = { ...message, content: [], stop_reason: null, stop_sequence: null };
    const blocks = readObjects(content).flatMap((block, index) => {
      const { start, deltas } = partsOf(block);
      return [
        frame({ type: "content_block_start", index, content_block: start }),
        ...deltas.map((delta) => frame({ type: "content_block_delta", index, delta })),
        frame({ type: "content_block_stop", index }),
      ];
    });
    return [
      frame({ type: "message_start", message: { ...started, usage: { ...counted, output_tokens: 0 } } }),
      ...blocks,
      frame({
        type: "message_delta",
        delta: { stop_reason: reason, stop_sequence: sequence },
        usage: { output_tokens: counted["output_tokens"] ?? 0 },
      }),
      frame({ type: "message_stop" }),
    ];
  },

  createMockMessage({ id, model, text, isCut, usage }) {
    return {
      id: `msg_${id}`,
      type: "message",
      role: "assistant",
      model,
      content: [{ type: "text", text }],
      stop_reason: isCut ? "max_tokens" : "end_turn",
      stop_sequence: null,
      usage: { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
    };
  },
};
