import { join } from "node:path";
import { ConfigError } from "@claws/service-kit";
import { KeyVolume } from "./key-volume.ts";

const NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
const MAX_BYTES = 64 * 1024;

/** The services that put secrets into requests: keys of model providers, and credentials of other hosts. */
const HOLDERS = ["model-gateway", "egress-filter"];

/** Stores one secret, read from standard input, where only the service that it is for can read it. */
export function storeSecret(
  outDirectory: string,
  name: string,
  value: string,
  holder = "model-gateway",
): void {
  if (!HOLDERS.includes(holder))
    throw new ConfigError(
      `${JSON.stringify(holder)} does not hold secrets: store it for one of ${HOLDERS.join(", ")}`,
    );
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
  new KeyVolume(join(outDirectory, holder)).write(`secrets/${name}`, secret);
}
