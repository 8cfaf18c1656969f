import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProfileName, Stack } from "./stack.ts";

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

/** Images are shared by all deployments of a checkout: the stamp is per profile and overlays. */
function stampOf(stack: Stack, profile: ProfileName): { file: string; hash: string } {
  const name = ["built", profile, ...stack.overlays].join("-").replaceAll(/[^\w.-]/g, "_");
  const hash = hashSources(stack.root, [...stack.overlays, stack.settings["AGENT_IMAGE"] ?? ""]);
  return { file: join(stack.root, ".claws", name), hash };
}

/** Whether the images were built, or loaded, from what the sources are now. */
export function isBuilt(stack: Stack, profile: ProfileName): boolean {
  const { file, hash } = stampOf(stack, profile);
  return existsSync(file) && readFileSync(file, "utf8") === hash;
}

export function rememberBuilt(stack: Stack, profile: ProfileName): void {
  const { file, hash } = stampOf(stack, profile);
  mkdirSync(join(stack.root, ".claws"), { recursive: true });
  writeFileSync(file, hash);
}
