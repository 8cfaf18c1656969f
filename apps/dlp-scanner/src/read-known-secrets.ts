import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, readSecretFile } from "@claws/service-kit";

/** The secrets of this deployment, one per file. No directory means none; an unreadable one is a mistake. */
export function readKnownSecrets(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => name);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return [];
    throw new ConfigError(
      `the known secrets in ${directory} cannot be listed (${code}): make it a readable directory`,
    );
  }
  return names.sort().map((name) => readSecretFile(join(directory, name)));
}
