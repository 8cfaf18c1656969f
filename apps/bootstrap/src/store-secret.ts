import { join } from "node:path";
import { ConfigError } from "@claws/service-kit";
import { KeyVolume } from "./key-volume.ts";

const NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
const MAX_BYTES = 64 * 1024;

/** Stores one secret, read from standard input, where only model-gateway can read it. */
export function storeSecret(outDirectory: string, name: string, value: string): void {
  if (!NAME.test(name))
    throw new ConfigError(
      `${JSON.stringify(name)} is not a secret's name: use UPPER_CASE, for instance OPENAI_API_KEY`,
    );
  const secret = value.trim();
  if (secret === "")
    throw new ConfigError(
      "nothing arrived on standard input: pipe the secret in, for instance 'cat key | ./claws secrets set NAME'",
    );
  if (secret.length > MAX_BYTES) throw new ConfigError(`the secret is longer than ${MAX_BYTES} bytes`);
  new KeyVolume(join(outDirectory, "model-gateway")).write(`secrets/${name}`, secret);
}
