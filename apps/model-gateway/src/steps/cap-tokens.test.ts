import { MicroUsd } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import { describe, expect, it } from "vitest";
import { ANTHROPIC } from "../dialects/anthropic.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { OPENAI } from "../dialects/openai.ts";
import type { JsonObject } from "../json-object.ts";
import { capTokens } from "./cap-tokens.ts";

function capped(dialect: Dialect, body: JsonObject) {
  const price = MicroUsd.parse(1);
  const model = { name: "m", inputMicroUsdPerMillion: price, outputMicroUsdPerMillion: price };
  const provider = { dialect: dialect.name, baseUrl: "mock" as const, models: [model] };
  return capTokens({ dialect, provider, model, body, isStreamed: false }, 100);
}
function codeOf(dialect: Dialect, body: JsonObject): string | undefined {
  try {
    capped(dialect, body);
    return undefined;
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.code;
    throw error;
  }
}

describe("capTokens", () => {
  it.each([
    ["nothing asked", OPENAI, {}, { max_completion_tokens: 100 }, 100],
    ["null is nothing", OPENAI, { max_tokens: null }, { max_tokens: null, max_completion_tokens: 100 }, 100],
    ["nothing asked, three answers", OPENAI, { n: 3 }, { n: 3, max_completion_tokens: 33 }, 99],
    ["the cap", OPENAI, { max_tokens: 100 }, { max_tokens: 100 }, 100],
    [
      "two members",
      OPENAI,
      { max_tokens: 1, max_completion_tokens: 7 },
      { max_tokens: 1, max_completion_tokens: 7 },
      7,
    ],
    ["nothing asked there", ANTHROPIC, {}, { max_tokens: 100 }, 100],
  ])("%s", (_claim, dialect, body, sent, most) =>
    expect(capped(dialect, body)).toMatchObject({ body: sent, maxOutputTokens: most }),
  );

  it.each([
    [OPENAI, { max_tokens: 101 }, "tokens_exceeded"],
    [OPENAI, { max_tokens: 1, max_completion_tokens: 101 }, "tokens_exceeded"],
    [OPENAI, { max_tokens: 51, n: 2 }, "tokens_exceeded"],
    [OPENAI, { n: 101 }, "tokens_exceeded"],
    [ANTHROPIC, { max_tokens: 101 }, "tokens_exceeded"],
    [OPENAI, { max_tokens: 0 }, "request_invalid"],
    [OPENAI, { max_tokens: -1 }, "request_invalid"],
    [OPENAI, { max_tokens: 1.5 }, "request_invalid"],
    [OPENAI, { max_tokens: "10" }, "request_invalid"],
    [OPENAI, { n: 0 }, "request_invalid"],
    [OPENAI, { n: "2" }, "request_invalid"],
  ])("of %o refuses %j as %s", (dialect, body, code) => expect(codeOf(dialect, body)).toBe(code));
});
