import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** Reads `.env` beside docker-compose.yml; nothing when there is none. */
export function readDotEnv(path: string): NodeJS.ProcessEnv {
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}
