/**
 * Writes each package's tsconfig.json from the dependencies in its package.json, and the solution file
 * that lists them. `--check` fails when one is stale instead of writing it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");
const stale: string[] = [];

interface Manifest {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

function write(file: string, content: string): void {
  const path = join(root, file);
  if (existsSync(path) && readFileSync(path, "utf8") === content) return;
  if (check) stale.push(file);
  else writeFileSync(path, content);
}

const packages = ["apps", "libs"].flatMap((group) =>
  readdirSync(join(root, group))
    .filter((name) => existsSync(join(root, group, name, "package.json")))
    .map((name) => `${group}/${name}`),
);
const manifests = new Map(
  packages.map((path) => [
    path,
    JSON.parse(readFileSync(join(root, path, "package.json"), "utf8")) as Manifest,
  ]),
);
const pathOf = new Map([...manifests].map(([path, manifest]) => [manifest.name, path]));

for (const [path, manifest] of manifests) {
  const dependencies = { ...manifest.dependencies, ...manifest.devDependencies };
  const references = Object.keys(dependencies)
    .flatMap((name) => pathOf.get(name) ?? [])
    .sort()
    .map((target) => ({ path: `../../${target}` }));
  const inBrowser = manifest.name === "@claws/console";
  const config = {
    extends: "../../tsconfig.base.json",
    compilerOptions: {
      rootDir: "src",
      outDir: "dist/types",
      tsBuildInfoFile: "dist/tsconfig.tsbuildinfo",
      ...(inBrowser ? { lib: ["es2024", "dom", "dom.iterable"], types: [] } : {}),
    },
    include: ["src"],
    references,
  };
  write(`${path}/tsconfig.json`, `${JSON.stringify(config, null, 2)}\n`);
}
const solution = {
  files: [],
  references: [...packages, "tools", "e2e"].map((path) => ({ path })),
};
write("tsconfig.json", `${JSON.stringify(solution, null, 2)}\n`);

if (stale.length > 0) {
  console.error(`stale: ${stale.join(", ")}. Run: node tools/tsconfigs.ts`);
  process.exit(1);
}
