import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");

interface Package {
  readonly path: string;
  readonly name: string;
  readonly layer: string;
  readonly runtime: ReadonlySet<string>;
  readonly all: ReadonlySet<string>;
  readonly files: readonly SourceFile[];
}

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
  readonly isTest: boolean;
}

/** Imports run one way: a layer may use those before it, and its own where it is not `app`. */
const LAYERS = ["contracts", "pure", "kit", "app"];

/** Packages that only these parts of the project may use. */
const RESERVED: Readonly<Record<string, readonly string[]>> = {
  dockerode: ["apps/launcher"],
  "http-proxy": ["apps/egress-filter", "apps/front-door"],
  ioredis: ["libs/redis-kit", "apps/rate-limiter", "apps/approval-gateway"],
};

/** `import … from "x"`, `import "x"` and `export … from "x"`, also over several lines. */
const IMPORT = /^(?:import\s+(?:[\w*{}\s,$]+\sfrom\s+)?|export\s+[\w*{}\s,$]+\sfrom\s+)"([^"]+)"/gm;

function readSourceFiles(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith(".ts") && !/node_modules|\/dist(\/|$)/.test(entry.parentPath),
    )
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const text = readFileSync(path, "utf8");
      const imports = [...text.matchAll(IMPORT)].map(([, target]) => target ?? "");
      const isTest =
        entry.name.endsWith(".test.ts") || path.includes("/testing/") || entry.name.startsWith("fake-");
      return { path, text, imports, isTest };
    });
}

const packages: Package[] = ["apps", "libs"].flatMap((group) =>
  readdirSync(join(ROOT, group))
    .filter((name) => existsSync(join(ROOT, group, name, "package.json")))
    .map((name) => {
      const path = `${group}/${name}`;
      const manifest = JSON.parse(readFileSync(join(ROOT, path, "package.json"), "utf8")) as {
        name: string;
        nx: { tags: string[] };
        dependencies?: Record<string, string>;
        devDependencies?: Record<string, string>;
      };
      const runtime = new Set(Object.keys(manifest.dependencies ?? {}));
      return {
        path,
        name: manifest.name,
        layer: manifest.nx.tags[0]?.replace("layer:", "") ?? "none",
        runtime,
        all: new Set([
          ...runtime,
          ...Object.keys(manifest.devDependencies ?? {}),
          "vitest",
          "fast-check",
          "esbuild",
        ]),
        files: readSourceFiles(join(ROOT, path)),
      };
    }),
);
const byName = new Map(packages.map((candidate) => [candidate.name, candidate]));
const everyFile = packages.flatMap((candidate) => candidate.files);

/** `@scope/name/deep` → `@scope/name`. */
const packageOf = (target: string) =>
  target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
const isExternal = (target: string) => !target.startsWith(".") && !isBuiltin(target);
const shown = (file: SourceFile) => relative(ROOT, file.path);

/** One line per offence, so that a failure reads as a list. */
function offences(check: (file: SourceFile, target: string, owner: Package) => boolean): string[] {
  return packages.flatMap((owner) =>
    owner.files.flatMap((file) =>
      file.imports
        .filter((target) => check(file, target, owner))
        .map((target) => `${shown(file)} imports ${target}`),
    ),
  );
}

describe("the architecture", () => {
  it("was looked at: packages, files and imports were found", () => {
    expect(packages.length).toBeGreaterThanOrEqual(20);
    expect(everyFile.length).toBeGreaterThanOrEqual(300);
    expect(everyFile.flatMap((file) => file.imports).length).toBeGreaterThanOrEqual(1_000);
    expect(packages.filter(({ layer }) => !LAYERS.includes(layer)).map(({ path }) => path)).toEqual([]);
  });

  it("has no app that imports another app", () => {
    expect(
      offences(
        (_file, target, owner) =>
          isExternal(target) &&
          byName.get(packageOf(target))?.layer === "app" &&
          packageOf(target) !== owner.name,
      ),
    ).toEqual([]);
  });

  it("has imports that run one way through the layers", () => {
    const rank = (layer: string) => LAYERS.indexOf(layer);
    expect(
      offences((file, target, owner) => {
        const imported = byName.get(packageOf(target));
        return (
          imported !== undefined &&
          imported !== owner &&
          !file.isTest &&
          rank(imported.layer) > rank(owner.layer)
        );
      }),
    ).toEqual([]);
  });

  it("has contracts that import nothing of ours", () => {
    expect(
      offences((_file, target, owner) => owner.name === "@claws/contracts" && target.startsWith("@claws/")),
    ).toEqual([]);
  });

  it("declares every package that it imports; tests may use development ones", () => {
    expect(
      offences(
        (file, target, owner) =>
          isExternal(target) &&
          packageOf(target) !== owner.name &&
          !(file.isTest ? owner.all : owner.runtime).has(packageOf(target)) &&
          !isBuildScript(file),
      ),
    ).toEqual([]);
  });

  it("declares no package that it does not import", () => {
    const unused = packages.flatMap((owner) => {
      const used = new Set(owner.files.flatMap((file) => file.imports.map(packageOf)));
      return [...owner.runtime]
        .filter((name) => !used.has(name))
        .map((name) => `${owner.path} declares ${name}`);
    });
    expect(unused).toEqual([]);
  });

  it("has no import that climbs out of its package", () => {
    expect(
      offences(
        (file, target, owner) =>
          target.startsWith("..") &&
          relative(join(ROOT, owner.path), join(file.path, "..", target)).startsWith(".."),
      ),
    ).toEqual([]);
  });

  it.each(Object.entries(RESERVED))("lets %s be used by %j only", (name, owners) => {
    expect(
      offences(
        (file, target, owner) => packageOf(target) === name && !owners.includes(owner.path) && !file.isTest,
      ),
    ).toEqual([]);
  });

  it("reads the environment in entry files only", () => {
    const entries = /\/src\/(main|claws-tool|claws-agent|tour|bench-calls|probe-exits)\.ts$/;
    expect(
      everyFile
        .filter((file) => /\bprocess\.env\b/.test(file.text) && !entries.test(file.path) && !file.isTest)
        .map(shown),
    ).toEqual([]);
  });

  it("keeps files short, and none is a dumping ground", () => {
    expect(everyFile.filter((file) => file.text.split("\n").length > 400 && !file.isTest).map(shown)).toEqual(
      [],
    );
    expect(
      everyFile
        .filter((file) => /^(utils?|helpers?|common|manager|misc)\.ts$/.test(basename(file.path)))
        .map(shown),
    ).toEqual([]);
  });

  it("has main files of a dozen lines or so", () => {
    const mains = everyFile.filter((file) => basename(file.path) === "main.ts");
    expect(mains.length).toBeGreaterThanOrEqual(15);
    expect(mains.filter((file) => file.text.split("\n").length > 40).map(shown)).toEqual([]);
  });
});

function isBuildScript(file: SourceFile): boolean {
  return basename(file.path) === "build.ts";
}
