import type { JsonValue, ModelProvider } from "@claws/contracts";
import type { Dialect } from "../dialects/dialect.ts";
import { isJsonObject } from "../json-object.ts";
import type { ModelCall } from "../model-call.ts";
import { refuse } from "./refuse.ts";
import { refuseRemoteFeatures } from "./refuse-remote-features.ts";

/** Finds the model that the body names among those that the profile has for this dialect. */
export function readModelCall(
  dialect: Dialect,
  body: JsonValue,
  providers: readonly ModelProvider[],
): ModelCall {
  if (!isJsonObject(body)) throw refuse("request_invalid", "send a JSON object");
  const { model: name, stream = false } = body;
  if (typeof name !== "string") throw refuse("request_invalid", "model: name one as a string");
  if (typeof stream !== "boolean") throw refuse("request_invalid", "stream: send true or false");
  const speaking = providers.filter((provider) => provider.dialect === dialect.name);
  for (const provider of speaking) {
    const model = provider.models.find((candidate) => candidate.name === name);
    if (model) {
      refuseRemoteFeatures(body);
      return { dialect, provider, model, body, isStreamed: stream };
    }
  }
  const known = speaking.flatMap(({ models }) => models.map((model) => model.name));
  const choice = known.length === 0 ? "none" : known.join(", ");
  throw refuse(
    "model_not_allowed",
    `'${name.slice(0, 100)}' is not a model of this profile at ${dialect.path} (those are: ${choice}): use one of them or add it under models`,
    { key: "models" },
  );
}
