import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClawsError } from "../claws-error.ts";
import { runInteractive, runProgram } from "../run-program.ts";
import { rememberBuilt } from "./build-stamp.ts";
import { PROFILES, type Stack, withProfile } from "./stack.ts";

/** The settings that name third-party images; their defaults stand in docker-compose.yml, by exact version. */
const THIRD_PARTY = {
  debian: "CLAWS_DEBIAN_IMAGE",
  node: "CLAWS_NODE_IMAGE",
  dozzle: "CLAWS_DOZZLE_IMAGE",
} as const;
type ThirdParty = keyof typeof THIRD_PARTY;

/** A third-party image as this deployment names it, and without the digest that `images pin` may have added. */
interface ImageReference {
  readonly name: string;
  readonly unpinned: string;
}

function readReference(stack: Stack, which: ThirdParty): ImageReference {
  const variable = THIRD_PARTY[which];
  const compose = readFileSync(join(stack.root, "docker-compose.yml"), "utf8");
  const name =
    stack.settings[variable] || new RegExp(String.raw`\$\{${variable}:-([^}]+)\}`).exec(compose)?.[1];
  if (name === undefined) throw new ClawsError(`docker-compose.yml names no default for ${variable}`);
  return { name, unpinned: name.replace(/@sha256:[0-9a-f]{64}$/, "") };
}

async function isPresent(image: string): Promise<boolean> {
  return (await runProgram("docker", ["image", "inspect", image])).code === 0;
}

async function canPull(image: string): Promise<boolean> {
  return (await runProgram("docker", ["pull", "--quiet", image], { timeoutMs: 300_000 })).code === 0;
}

/**
 * Has every base image here: pulled where a registry answers, else built as a stand-in, with one line that
 * says so. Returns the settings under which Compose finds the stand-ins: a registry's digest is not theirs.
 */
export async function ensureBaseImages(stack: Stack): Promise<NodeJS.ProcessEnv> {
  const missing: ThirdParty[] = [];
  for (const which of ["debian", "node", "dozzle"] as const) {
    const { name } = readReference(stack, which);
    if (!(await isPresent(name)) && (missing.length > 0 || !(await canPull(name)))) missing.push(which);
  }
  const unpinned = (which: ThirdParty) => readReference(stack, which).unpinned;
  const unbuilt: ThirdParty[] = [];
  for (const which of missing) if (!(await isPresent(unpinned(which)))) unbuilt.push(which);
  if (unbuilt.length > 0) {
    console.error(
      `claws: no image registry answers: building stand-ins for ${unbuilt.map(unpinned).join(", ")} from Debian and npm packages`,
    );
  }
  if (unbuilt.includes("node") || unbuilt.includes("debian")) {
    const build = [join(stack.root, "docker/base/build.sh"), unpinned("debian"), unpinned("node")];
    const code = await runInteractive("sh", build, { env: stack.settings });
    if (code !== 0) throw new ClawsError("the stand-in base images could not be built: see the lines above");
  }
  if (unbuilt.includes("dozzle")) await buildLogViewer(stack, unpinned("dozzle"), unpinned("node"));
  return Object.fromEntries(missing.map((which) => [THIRD_PARTY[which], unpinned(which)]));
}

/** Dozzle cannot be had without a registry: the log viewer takes its name and its place, and says so on its page. */
async function buildLogViewer(stack: Stack, image: string, nodeImage: string): Promise<void> {
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
      `NODE_IMAGE=${nodeImage}`,
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

/** Loads images that `save` wrote; from then on `up` takes them as built from this checkout. */
export async function loadImages(stack: Stack, file: string): Promise<string[]> {
  const { code, stdout, stderr } = await runProgram("docker", ["load", "--input", file]);
  if (code !== 0) throw new ClawsError(`the images could not be loaded from ${file}: ${lastLines(stderr)}`);
  const loaded = [...stdout.matchAll(/^Loaded image: (.+)$/gm)].map(([, image]) => image ?? "");
  for (const profile of PROFILES) {
    const deployment = withProfile(stack, profile);
    const needed = await listImages(deployment, profile);
    if (needed.every((image) => loaded.includes(image))) rememberBuilt(deployment, profile);
  }
  return loaded;
}

/** Writes the registry's digest behind each third-party image in docker-compose.yml; all of them or none. */
export async function pinImages(stack: Stack): Promise<string[]> {
  const path = join(stack.root, "docker-compose.yml");
  let compose = readFileSync(path, "utf8");
  const pinned: string[] = [];
  for (const which of ["debian", "node", "dozzle"] as const) {
    const { name, unpinned } = readReference({ ...stack, settings: {} }, which);
    const digest = await readRegistryDigest(unpinned);
    compose = compose.replaceAll(
      `\${${THIRD_PARTY[which]}:-${name}}`,
      `\${${THIRD_PARTY[which]}:-${unpinned}@${digest}}`,
    );
    pinned.push(`${unpinned}@${digest}`);
  }
  writeFileSync(path, compose);
  return pinned;
}

async function readRegistryDigest(image: string): Promise<string> {
  const format = ["--format", "{{.Manifest.Digest}}"];
  const { code, stdout } = await runProgram("docker", ["buildx", "imagetools", "inspect", image, ...format], {
    timeoutMs: 60_000,
  });
  const digest = stdout.trim();
  if (code === 0 && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  throw new ClawsError(
    `no registry answers for ${image}: nothing was pinned. Run this where the internet is reachable`,
  );
}
