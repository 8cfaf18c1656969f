import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What images are built from: the build context, as .dockerignore leaves it, and the Compose files. */
const SOURCES = [
  "package.json",
  "package-lock.json",
  ".npmrc",
  ".dockerignore",
  "docker-compose.yml",
  "docker-compose.airgap.yml",
  "apps",
  "libs",
  "tools",
  "docker",
  "e2e/fixtures",
];
const LEFT_OUT = new Set(["node_modules", "dist"]);

/** SHA-256 over names and contents of everything that an image could depend on. */
export function hashSources(root: string, settings: readonly string[]): string {
  const hash = createHash("sha256").update(settings.join("\0"));
  for (const source of SOURCES) addTo(hash, root, source);
  return hash.digest("hex");
}

function addTo(hash: ReturnType<typeof createHash>, root: string, path: string): void {
  const full = join(root, path);
  if (!existsSync(full)) return;
  const entries = readEntries(full);
  if (entries === undefined) {
    hash.update(`${path}\0`).update(readFileSync(full)).update("\0");
    return;
  }
  for (const name of entries.filter((entry) => !LEFT_OUT.has(entry) && !entry.endsWith(".test.ts")).sort())
    addTo(hash, root, `${path}/${name}`);
}

function readEntries(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  }
}

const stampFile = (root: string, profile: string) => join(root, ".claws", `built-${profile}`);

export function isBuilt(root: string, profile: string, hash: string): boolean {
  const file = stampFile(root, profile);
  return existsSync(file) && readFileSync(file, "utf8") === hash;
}

export function rememberBuilt(root: string, profile: string, hash: string): void {
  mkdirSync(join(root, ".claws"), { recursive: true });
  writeFileSync(stampFile(root, profile), hash);
}
