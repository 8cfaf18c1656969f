import { readFileSync, statSync } from "node:fs";
import { ConfigError } from "./config.ts";

/** Others (not owner, not group) may not even read a secret. */
const OTHERS = 0o007;

/** Reads a secret from its file, refusing one that is missing, empty or open to everybody. */
export function readSecretFile(path: string): string {
  const secret = readSecretBytes(path).toString("utf8").trim();
  if (secret === "") throw new ConfigError(`secret file ${path} is empty`);
  return secret;
}

export function readSecretBytes(path: string): Buffer {
  let mode: number;
  let content: Buffer;
  try {
    mode = statSync(path).mode;
    content = readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const cure =
      code === "EACCES"
        ? `make it readable for uid ${process.getuid?.()}`
        : "run './claws up <profile>' so that bootstrap makes it";
    throw new ConfigError(`secret file ${path} cannot be read (${code}): ${cure}`);
  }
  if ((mode & OTHERS) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, "0");
    throw new ConfigError(
      `secret file ${path} is open to every user (mode ${octal}): set it to 0400 or 0440`,
    );
  }
  if (content.length === 0) throw new ConfigError(`secret file ${path} is empty`);
  return content;
}
