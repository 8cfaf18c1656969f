import type { ModelProvider, Problem } from "@claws/contracts";
import type { Dialect } from "../dialects/dialect.ts";
import type { JsonObject } from "../json-object.ts";

export interface ProviderRequest {
  readonly dialect: Dialect;
  readonly spec: ModelProvider;
  readonly body: JsonObject;
  /** Already chosen from the agent's headers; the provider's key is added behind this. */
  readonly headers: Readonly<Record<string, string>>;
  readonly isStreamed: boolean;
  /** Aborts when the agent goes away. */
  readonly signal: AbortSignal;
}

export interface ProviderAnswer {
  readonly outcome: "answered";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What came of sending: `unsent` only where it is certain that the provider saw nothing. */
export type ProviderResult =
  | ProviderAnswer
  | { readonly outcome: "unsent" | "failed"; readonly problem: Problem };

export interface Provider {
  send(request: ProviderRequest): Promise<ProviderResult>;
}
