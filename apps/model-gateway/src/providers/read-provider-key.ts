import { join } from "node:path";
import { createProblem, type Problem } from "@claws/contracts";
import { ConfigError, readSecretFile } from "@claws/service-kit";

export type ProviderKey =
  | { readonly ok: true; readonly key: string }
  | { readonly ok: false; readonly problem: Problem };

/** A secret's name becomes a file's name, and so may not lead elsewhere. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;
/** What a header value can carry (RFC 9110, section 5.5), without spaces. */
const KEY = /^[\u0021-\u007e]{1,4096}$/;

/** Reads the key anew for each call, so that setting it takes no restart. */
export function readProviderKey(directory: string, name: string): ProviderKey {
  const refused = (detail: string): ProviderKey => ({
    ok: false,
    problem: createProblem("model_unavailable", { service: "model-gateway", detail }),
  });
  if (!NAME.test(name))
    return refused(`the profile's secret name '${name}' is not one: use letters and digits`);
  let key: string;
  try {
    key = readSecretFile(join(directory, name));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return refused(`the provider's key '${name}' cannot be read: run './claws secrets set ${name}'`);
  }
  return KEY.test(key)
    ? { ok: true, key }
    : refused(`the key '${name}' is damaged: run './claws secrets set ${name}'`);
}
