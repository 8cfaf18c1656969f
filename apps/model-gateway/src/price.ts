import { MicroUsd, type ModelSpec } from "@claws/contracts";
import type { Usage } from "./dialects/dialect.ts";

/** Tokens are rarely shorter than this many bytes; where they are, the provider's count settles it. */
const BYTES_PER_TOKEN = 3;

/** What a provider's count costs, in micro-USD, rounded up. */
export function computeCost(model: ModelSpec, { inputTokens, outputTokens }: Usage): MicroUsd {
  const total =
    BigInt(inputTokens) * BigInt(model.inputMicroUsdPerMillion) +
    BigInt(outputTokens) * BigInt(model.outputMicroUsdPerMillion);
  return MicroUsd.parse(Number((total + 999_999n) / 1_000_000n));
}

/** The most that a request should cost: its bytes as input and all the output that it may ask for. */
export function estimateCost(model: ModelSpec, requestBytes: number, maxOutputTokens: number): MicroUsd {
  const inputTokens = Math.ceil(requestBytes / BYTES_PER_TOKEN);
  return computeCost(model, { inputTokens, outputTokens: maxOutputTokens });
}
