import { join } from "node:path";
import { ConfigError, readSecretFile } from "@claws/service-kit";

export type SecretReading =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly detail: string };

/** Reads a secret anew each time, so that setting it takes no restart. */
export type ReadSecret = (name: string) => SecretReading;

/** A secret's name becomes a file's name, and so may not lead elsewhere. */
const NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
/** What a header value can carry (RFC 9110, section 5.5), without spaces; shorter ones are words of everyday text. */
const VALUE = /^[\u0021-\u007e]{8,4096}$/;

/** Secrets that `./claws secrets set NAME --for egress-filter` stored. */
export function createSecretStore(directory: string): ReadSecret {
  return function readSecret(name) {
    const cure = `./claws secrets set ${name} --for egress-filter`;
    if (!NAME.test(name))
      return { ok: false, detail: "the profile names a secret in another form than NAME" };
    let value: string;
    try {
      value = readSecretFile(join(directory, name));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { ok: false, detail: `the secret ${name} cannot be read: ${cure}` };
    }
    if (VALUE.test(value)) return { ok: true, value };
    return { ok: false, detail: `the secret ${name} is no header value of 8 characters or more: ${cure}` };
  };
}
