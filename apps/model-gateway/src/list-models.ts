import type { ModelProvider } from "@claws/contracts";
import type { Dialect } from "./dialects/dialect.ts";
import type { JsonObject } from "./json-object.ts";

const UNKNOWN_DATE = "1970-01-01T00:00:00Z";

/** The profile's models of one dialect, with the members that clients of either API expect. */
export function listModels(providers: readonly ModelProvider[], dialect: Dialect): JsonObject {
  const data = providers
    .filter((provider) => provider.dialect === dialect.name)
    .flatMap(({ models }) => models)
    .map(({ name }) => ({
      id: name,
      object: "model",
      type: "model",
      display_name: name,
      created: 0,
      created_at: UNKNOWN_DATE,
      owned_by: "sandbox-claws",
    }));
  return {
    object: "list",
    data,
    has_more: false,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
