import type { ModelProvider } from "@claws/contracts";
import type { JsonObject } from "../json-object.ts";
import type { SseEvent } from "../sse-reader.ts";

/** What the provider counted. Cached input is priced like other input unless the dialect says more. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Follows a stream and knows the usage once the provider has said all of it. */
export interface UsageMeter {
  add(event: SseEvent): void;
  read(): Usage | undefined;
}

/** The text of a mock model's answer and what is reported with it. */
export interface MockAnswer {
  readonly id: string;
  readonly model: string;
  readonly text: string;
  readonly isCut: boolean;
  readonly usage: Usage;
}

/** One provider API: how it names, counts and streams things. */
export interface Dialect {
  readonly name: ModelProvider["dialect"];
  readonly path: string;
  /** Members that bound the output; where none is given, the first is set. */
  readonly outputCaps: readonly [string, ...string[]];
  /** How many answers the body asks for; undefined when it is not a count. */
  readAnswers(body: JsonObject): number | undefined;
  /** Headers of the agent's that the provider may see. All others stay here. */
  readonly forwardedHeaders: readonly string[];
  readonly fixedHeaders: Readonly<Record<string, string>>;
  createKeyHeader(key: string): Record<string, string>;
  /** The body as it is sent: streamed with usage, or whole. */
  createUpstreamBody(body: JsonObject, isStreamed: boolean): JsonObject;
  readUsage(message: JsonObject): Usage | undefined;
  createUsageMeter(): UsageMeter;
  /** A whole answer as the server-sent events that a stream of it would have had. */
  createEvents(message: JsonObject): string[];
  createMockMessage(answer: MockAnswer): JsonObject;
}

/** Splits a text as a model's stream would come in; never between the halves of a surrogate pair. */
export function splitText(text: string): string[] {
  return text.match(/[^]{1,24}(?![\udc00-\udfff])/g) ?? [];
}
