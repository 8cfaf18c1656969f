import { describe, expect, it } from "vitest";
import { refuseRemoteFeatures } from "./refuse-remote-features.ts";

const user = (content: unknown) => ({ messages: [{ role: "user", content }] }) as never;

describe("a model request", () => {
  it.each([
    ["text", user("hello")],
    ["text blocks", user([{ type: "text", text: "see https://example.org" }])],
    [
      "an image in the request (OpenAI)",
      user([{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }]),
    ],
    [
      "an image in the request (Anthropic)",
      user([{ type: "image", source: { type: "base64", data: "AA==" } }]),
    ],
    [
      "a tool result with text",
      user([{ type: "tool_result", tool_use_id: "1", content: [{ type: "text", text: "x" }] }]),
    ],
    ["functions", { messages: [], tools: [{ type: "function", function: { name: "f" } }] } as never],
    ["tools without a type (Anthropic)", { messages: [], tools: [{ name: "f", input_schema: {} }] } as never],
    ["a file in the request", user([{ type: "file", file: { file_data: "AA==" } }])],
  ])("passes with %s", (_name, body) => expect(() => refuseRemoteFeatures(body)).not.toThrow());

  it.each([
    [
      "MCP servers of the provider",
      { messages: [], mcp_servers: [{ url: "https://forbidden.example/mcp" }] },
    ],
    ["web search options", { messages: [], web_search_options: {} }],
    ["a container", { messages: [], container: "c" }],
    ["another service tier", { messages: [], service_tier: "priority" }],
    ["a web fetch tool", { messages: [], tools: [{ type: "web_fetch_20250910", name: "web_fetch" }] }],
    ["a web search tool", { messages: [], tools: [{ type: "web_search_preview" }] }],
    ["a code interpreter", { messages: [], tools: [{ type: "code_execution_20250825" }] }],
    [
      "an image by URL",
      user([{ type: "image_url", image_url: { url: "https://forbidden.example/?q=secret" } }]),
    ],
    ["an image by URL as a string", user([{ type: "input_image", image_url: "https://forbidden.example/" }])],
    [
      "a source by URL",
      user([{ type: "image", source: { type: "url", url: "https://forbidden.example/" } }]),
    ],
    [
      "a source by URL in a tool result",
      user([{ type: "tool_result", content: [{ type: "image", source: { type: "url", url: "x" } }] }]),
    ],
    [
      "a source by URL in the system prompt",
      { messages: [], system: [{ type: "document", source: { type: "url", url: "x" } }] },
    ],
    ["a file at the provider", user([{ type: "file", file: { file_id: "f" } }])],
    [
      "a source that is a file at the provider",
      user([{ type: "document", source: { type: "file", file_id: "f" } }]),
    ],
  ])("is refused with %s", (_name, body) => {
    expect(() => refuseRemoteFeatures(body as never)).toThrow("model_feature_not_allowed");
  });
});
