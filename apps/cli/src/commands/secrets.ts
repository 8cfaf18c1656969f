import { text } from "node:stream/consumers";
import { ClawsError } from "../claws-error.ts";
import type { Stack } from "../stack/stack.ts";

/** The services that put secrets into requests. */
export const SECRET_HOLDERS = ["model-gateway", "egress-filter"] as const;

/** Stores a secret from standard input in its holder's own volume, by way of bootstrap, which has no network. */
export async function setSecret(
  stack: Stack,
  name: string,
  holder: string,
  input: NodeJS.ReadStream,
): Promise<void> {
  if (input.isTTY) process.stderr.write(`Paste the value of ${name}, then press Ctrl-D twice:\n`);
  const value = await text(input);
  const { code, stdout, stderr } = await stack.compose(
    ["run", "--rm", "--no-deps", "-T", "bootstrap", "store-secret", name, holder],
    { input: value },
  );
  if (code !== 0) throw new ClawsError(readLogMessage(stdout) ?? stderr.trim());
}

function readLogMessage(stdout: string): string | undefined {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  try {
    return (JSON.parse(line) as { msg?: string }).msg;
  } catch {
    return undefined;
  }
}
