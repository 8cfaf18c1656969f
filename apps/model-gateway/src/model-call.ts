import type { MicroUsd, ModelProvider, ModelSpec } from "@claws/contracts";
import type { Dialect } from "./dialects/dialect.ts";
import type { JsonObject } from "./json-object.ts";

/** A request that names a model of the profile. */
export interface ModelCall {
  readonly dialect: Dialect;
  readonly provider: ModelProvider;
  readonly model: ModelSpec;
  readonly body: JsonObject;
  /** The agent asked for server-sent events. */
  readonly isStreamed: boolean;
}

/** A call whose output is bounded, so that its cost is. */
export interface CappedCall extends ModelCall {
  readonly maxOutputTokens: number;
}

/** A call that dlp-scanner has agreed to, with what it flagged. */
export interface ScreenedCall extends CappedCall {
  readonly flaggedRules: readonly string[];
  readonly estimateMicroUsd: MicroUsd;
}
