import { describe, expect, it } from "vitest";
import type { JsonObject } from "../json-object.ts";
import { createSseReader } from "../sse-reader.ts";
import { ANTHROPIC } from "./anthropic.ts";
import { type Dialect, splitText } from "./dialect.ts";
import { OPENAI } from "./openai.ts";

function follow(dialect: Dialect, frames: readonly string[]) {
  const meter = dialect.createUsageMeter();
  const events: JsonObject[] = [];
  const reader = createSseReader((event) => {
    meter.add(event);
    if (event.data.startsWith("{")) events.push(JSON.parse(event.data) as JsonObject);
  });
  frames.forEach((frame) => reader.push(Buffer.from(frame)));
  return { usage: meter.read(), events };
}

describe("OpenAI's dialect", () => {
  const message = {
    id: "c",
    model: "m",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: "A text that is longer than one piece of it.",
          tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        finish_reason: "tool_calls",
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 4 },
  };

  it("plays a whole answer back with nothing lost, and its usage is counted", () => {
    const { usage, events } = follow(OPENAI, OPENAI.createEvents(message));
    const choices = events.flatMap(({ choices }) => choices as JsonObject[]);
    const deltas = choices.map(({ delta }) => delta as JsonObject);
    expect(deltas.map(({ content }) => (typeof content === "string" ? content : "")).join("")).toBe(
      message.choices[0]?.message.content,
    );
    expect(deltas.flatMap((delta) => delta["tool_calls"] ?? [])).toEqual([
      { index: 0, id: "t", type: "function", function: { name: "f", arguments: "{}" } },
    ]);
    expect(choices.at(-1)).toMatchObject({ finish_reason: "tool_calls" });
    expect(usage).toEqual({ inputTokens: 3, outputTokens: 4 });
  });

  it.each([
    [
      true,
      { stream: true, stream_options: { include_usage: false, x: 1 } },
      { stream: true, stream_options: { include_usage: true, x: 1 } },
    ],
    [true, { stream: true }, { stream: true, stream_options: { include_usage: true } }],
    [false, { stream: true, stream_options: { include_usage: true }, n: 1 }, { n: 1 }],
  ])("sent streamed: %j, %j becomes %j", (isStreamed, body, sent) =>
    expect(OPENAI.createUpstreamBody(body, isStreamed)).toEqual(sent),
  );

  it.each([
    [{ prompt_tokens: 1 }],
    [{ prompt_tokens: -1, completion_tokens: 1 }],
    [{ prompt_tokens: 0.5, completion_tokens: 1 }],
    [{ prompt_tokens: "1", completion_tokens: 1 }],
    [null],
  ])("does not take %j for a usage", (usage) => expect(OPENAI.readUsage({ usage })).toBeUndefined());
});

describe("Anthropic's dialect", () => {
  const message = {
    id: "m",
    type: "message",
    role: "assistant",
    model: "m",
    content: [
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "text", text: "A text that is longer than one piece of it." },
      { type: "tool_use", id: "t", name: "f", input: { a: 1 } },
      { type: "redacted_thinking", data: "zzz" },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 4 },
  };

  it("plays a whole answer back with nothing lost, and its usage is counted", () => {
    const { usage, events } = follow(ANTHROPIC, ANTHROPIC.createEvents(message));
    const deltas = events.flatMap(({ type, delta }) =>
      type === "content_block_delta" ? [delta as JsonObject] : [],
    );
    expect(deltas.map(({ text }) => (typeof text === "string" ? text : "")).join("")).toBe(
      message.content[1]?.text,
    );
    expect(deltas).toContainEqual({ type: "input_json_delta", partial_json: '{"a":1}' });
    expect(deltas).toContainEqual({ type: "signature_delta", signature: "sig" });
    expect(events).toContainEqual({
      type: "content_block_start",
      index: 3,
      content_block: message.content[3],
    });
    expect(events.at(-2)).toMatchObject({ type: "message_delta", delta: { stop_reason: "tool_use" } });
    expect(usage).toEqual({ inputTokens: 3, outputTokens: 4 });
  });

  it("counts what the cache read, and what it wrote twice", () => {
    const usage = {
      input_tokens: 1,
      cache_read_input_tokens: 10,
      cache_creation_input_tokens: 100,
      output_tokens: 5,
    };
    expect(ANTHROPIC.readUsage({ usage })).toEqual({ inputTokens: 211, outputTokens: 5 });
  });

  it("knows no usage before the last word on it", () => {
    const [start = ""] = ANTHROPIC.createEvents(message);
    expect(follow(ANTHROPIC, [start]).usage).toBeUndefined();
  });
});

describe("splitText", () => {
  it.each(["", "short", "x".repeat(49), `${"x".repeat(23)}😀tail`])("loses nothing of %j", (text) => {
    const pieces = splitText(text);
    expect(pieces.join("")).toBe(text);
    expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
  });
});
