import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClawsError } from "../claws-error.ts";
import { runInteractive, runProgram } from "../run-program.ts";
import type { Stack } from "./stack.ts";

/** Third-party images, by exact version. `./claws images pin` adds digests in docker-compose.yml. */
export const THIRD_PARTY = {
  node: { variable: "CLAWS_NODE_IMAGE", image: "node:24.21.0-bookworm-slim" },
  debian: { variable: "CLAWS_DEBIAN_IMAGE", image: "debian:12.12-slim" },
  dozzle: { variable: "CLAWS_DOZZLE_IMAGE", image: "amir20/dozzle:v10.7.3" },
} as const;

async function isPresent(image: string): Promise<boolean> {
  return (await runProgram("docker", ["image", "inspect", image])).code === 0;
}

async function canPull(image: string): Promise<boolean> {
  return (await runProgram("docker", ["pull", "--quiet", image], { timeoutMs: 300_000 })).code === 0;
}

/** Has every base image here: pulled where a registry answers, else built as a stand-in, with one line that says so. */
export async function ensureBaseImages(stack: Stack): Promise<void> {
  const { node, debian, dozzle } = THIRD_PARTY;
  const missing: string[] = [];
  for (const { image } of [debian, node, dozzle]) {
    if (!(await isPresent(image)) && (missing.length > 0 || !(await canPull(image)))) missing.push(image);
  }
  if (missing.length === 0) return;
  console.error(
    `claws: no image registry answers: building stand-ins for ${missing.join(", ")} from Debian and npm packages`,
  );
  if (missing.includes(node.image) || missing.includes(debian.image)) {
    const code = await runInteractive(
      "sh",
      [join(stack.root, "docker/base/build.sh"), debian.image, node.image],
      { env: stack.settings },
    );
    if (code !== 0) throw new ClawsError("the stand-in base images could not be built: see the lines above");
  }
  if (missing.includes(dozzle.image)) await buildLogViewer(stack, dozzle.image);
}

/** Dozzle cannot be had without a registry: the log viewer takes its name and its place, and says so on its page. */
async function buildLogViewer(stack: Stack, image: string): Promise<void> {
  const app = join(stack.root, "apps/log-viewer");
  const bundle = await runProgram(process.execPath, [join(stack.root, "tools/bundle.ts")], { cwd: app });
  if (bundle.code !== 0) throw new ClawsError(`the log viewer could not be bundled: ${bundle.stderr.trim()}`);
  const context = mkdtempSync(join(tmpdir(), "claws-log-viewer-"));
  try {
    cpSync(join(app, "dist/main.mjs"), join(context, "main.mjs"));
    cpSync(join(stack.root, "docker/base/Dockerfile.dozzle"), join(context, "Dockerfile"));
    const build = await runProgram("docker", [
      "build",
      "--quiet",
      "--build-arg",
      `NODE_IMAGE=${THIRD_PARTY.node.image}`,
      "-t",
      image,
      context,
    ]);
    if (build.code !== 0)
      throw new ClawsError(`the stand-in for Dozzle could not be built: ${build.stderr.trim()}`);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Builds every image of ours for the given profile. Quiet unless it fails. */
export async function buildImages(stack: Stack, profile: string): Promise<void> {
  const build = await stack.compose(["--profile", profile, "build", "--quiet"]);
  if (build.code === 0) return;
  const full = /no space left on device/i.test(build.stderr)
    ? "the disk is full: free some space ('docker system prune' removes unused images), then run this again"
    : undefined;
  throw new ClawsError(full ?? `an image could not be built: ${lastLines(build.stderr)}`);
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-5).join(" | ");
}

/** Every image that the profile runs, ours and third-party, as Compose names them. */
export async function listImages(stack: Stack, profile: string): Promise<string[]> {
  const { code, stdout, stderr } = await stack.compose(["--profile", profile, "config", "--images"]);
  if (code !== 0) throw new ClawsError(`the Compose file cannot be read: ${lastLines(stderr)}`);
  return [...new Set(stdout.split("\n").filter((line) => line !== ""))].sort();
}

export async function saveImages(stack: Stack, profile: string, file: string): Promise<number> {
  const images = await listImages(stack, profile);
  const { code, stderr } = await runProgram("docker", ["save", "--output", file, ...images]);
  if (code !== 0) throw new ClawsError(`the images could not be saved: ${lastLines(stderr)}`);
  return images.length;
}

export async function loadImages(file: string): Promise<string[]> {
  const { code, stdout, stderr } = await runProgram("docker", ["load", "--input", file]);
  if (code !== 0) throw new ClawsError(`the images could not be loaded from ${file}: ${lastLines(stderr)}`);
  return [...stdout.matchAll(/^Loaded image: (.+)$/gm)].map(([, image]) => image ?? "");
}

/** Writes the registry's digest behind each third-party image in docker-compose.yml. */
export async function pinImages(stack: Stack, readFile: (path: string) => string): Promise<string[]> {
  const path = join(stack.root, "docker-compose.yml");
  let compose = readFile(path);
  const pinned: string[] = [];
  for (const { variable, image } of Object.values(THIRD_PARTY)) {
    const { code, stdout } = await runProgram(
      "docker",
      ["buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"],
      { timeoutMs: 60_000 },
    );
    const digest = stdout.trim();
    if (code !== 0 || !/^sha256:[0-9a-f]{64}$/.test(digest)) {
      throw new ClawsError(
        `no registry answers for ${image}: nothing was pinned. Run this where the internet is reachable`,
      );
    }
    const escaped = image.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    compose = compose.replaceAll(
      new RegExp(String.raw`(\$\{${variable}:-)${escaped}(?:@sha256:[0-9a-f]{64})?\}`, "g"),
      `$1${image}@${digest}}`,
    );
    pinned.push(`${image}@${digest}`);
  }
  writeFileSync(path, compose);
  return pinned;
}

/** Where nothing was pinned by the user, a pinned digest of a registry cannot match a stand-in: name it without. */
export function standInSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.values(THIRD_PARTY).map(({ variable, image }) => [variable, image]));
}

export function ensureFolder(path: string): void {
  mkdirSync(path, { recursive: true });
}
