import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type Import, packageOf, readImports } from "./read-imports.ts";

/** The boundaries of docs/architecture.md, read from the files themselves. */
const ROOT = join(import.meta.dirname, "..");
const LAYERS = ["contracts", "pure", "kit", "app"] as const;

interface Manifest {
  readonly name: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly entries?: Readonly<Record<string, string>>;
  readonly nx?: { readonly tags?: readonly string[] };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface SourceFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** Runs in a test or at build time only. */
  readonly isForDevelopment: boolean;
}

interface Package {
  /** `apps/broker`. */
  readonly folder: string;
  readonly manifest: Manifest;
  readonly layer: number;
  readonly files: readonly SourceFile[];
}

const readManifest = (folder: string) =>
  JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Manifest;

function readPackage(folder: string): Package {
  const manifest = readManifest(folder);
  const layer = LAYERS.findIndex((name) => manifest.nx?.tags?.includes(`layer:${name}`));
  const paths = globSync(["src/**/*.{ts,mts,js,mjs}", "*.{ts,mts,js,mjs}"], { cwd: join(ROOT, folder) });
  const files = paths.map((inside) => {
    const path = join(folder, inside);
    const text = readFileSync(join(ROOT, path), "utf8");
    const isForDevelopment = /\.test\.ts$|\/testing\/|\/fake-[^/]+$/.test(path) || !inside.startsWith("src/");
    return { path, text, imports: readImports(text), isForDevelopment };
  });
  return { folder, manifest, layer, files };
}

const packages = ["apps", "libs"].flatMap((group) =>
  readdirSync(join(ROOT, group))
    .filter((name) => existsSync(join(ROOT, group, name, "package.json")))
    .map((name) => readPackage(`${group}/${name}`)),
);
const byName = new Map(packages.map((item) => [item.manifest.name, item]));
const rootManifest = readManifest(".");
const allFiles = packages.flatMap(({ files }) => files);

const isRelative = (specifier: string) => specifier.startsWith(".");
const declaredBy = (...sets: (Readonly<Record<string, string>> | undefined)[]) =>
  new Set(sets.flatMap((set) => Object.keys(set ?? {})));

/** Everything of a rule's violations, so that one run shows them all. */
function violations(find: (file: SourceFile, of: Package) => readonly string[]): string[] {
  return packages.flatMap((of) =>
    of.files.flatMap((file) => find(file, of).map((what) => `${file.path}: ${what}`)),
  );
}

const importsOf = (file: SourceFile, isWrong: (specifier: string, found: Import) => boolean) =>
  file.imports.filter((found) => isWrong(found.specifier, found)).map(({ specifier }) => specifier);

describe("the workspace", () => {
  it("was found: these tests look at something", () => {
    expect(packages.length).toBeGreaterThanOrEqual(20);
    expect(allFiles.length).toBeGreaterThanOrEqual(300);
    expect(allFiles.flatMap(({ imports }) => imports).length).toBeGreaterThanOrEqual(1_000);
  });

  it("gives every package one layer", () => {
    expect(packages.filter(({ layer }) => layer < 0).map(({ folder }) => folder)).toEqual([]);
    for (const { folder, layer } of packages)
      expect(folder.startsWith("apps/")).toBe(LAYERS[layer] === "app");
  });
});

describe("imports run one way:", () => {
  it("no app imports another app", () => {
    const isApp = (specifier: string) =>
      byName.get(packageOf(specifier))?.folder.startsWith("apps/") === true;
    expect(violations((file) => importsOf(file, isApp))).toEqual([]);
  });

  it("contracts < pure < kit < app, and contracts import nothing of ours", () => {
    const found = violations((file, { layer }) =>
      importsOf(file, (specifier) => {
        const target = byName.get(packageOf(specifier));
        return target !== undefined && (target.layer > layer || LAYERS[layer] === "contracts");
      }),
    );
    expect(found).toEqual([]);
  });

  it("nothing reaches out of its own package with ../", () => {
    const found = violations((file, { folder }) =>
      importsOf(file, (specifier) => {
        const target = relative(join(ROOT, folder), resolve(ROOT, dirname(file.path), specifier));
        return isRelative(specifier) && target.startsWith("..");
      }),
    );
    expect(found).toEqual([]);
  });

  it("what a service runs on imports nothing of its tests", () => {
    const found = violations((file) =>
      file.isForDevelopment
        ? []
        : importsOf(
            file,
            (specifier, { isType }) => !isType && /\.test\.ts$|\/testing(?:\/|$)/.test(specifier),
          ),
    );
    expect(found).toEqual([]);
  });
});

describe("a package declares", () => {
  it("everything that it imports", () => {
    const found = violations((file, { manifest }) => {
      const declared = file.isForDevelopment
        ? declaredBy(
            manifest.dependencies,
            manifest.devDependencies,
            rootManifest.devDependencies,
            rootManifest.dependencies,
          )
        : declaredBy(manifest.dependencies);
      return importsOf(
        file,
        (specifier) =>
          !isRelative(specifier) &&
          !isBuiltin(specifier) &&
          packageOf(specifier) !== manifest.name &&
          !declared.has(packageOf(specifier)),
      );
    });
    expect(found).toEqual([]);
  });

  it("nothing that it does not import", () => {
    const unused = packages.flatMap(({ folder, manifest, files }) => {
      const used = new Set(
        files.flatMap(({ imports }) => imports.map(({ specifier }) => packageOf(specifier))),
      );
      const typesOf = (name: string) => name.replace(/^@types\//, "");
      return [...declaredBy(manifest.dependencies, manifest.devDependencies)]
        .filter((name) => !used.has(typesOf(name)))
        .map((name) => `${folder}: ${name}`);
    });
    expect(unused).toEqual([]);
  });

  it("no dependency twice, and the same version of one as every other package", () => {
    const versions = new Map<string, Set<string>>();
    for (const { folder, manifest } of packages) {
      const { dependencies = {}, devDependencies = {} } = manifest;
      for (const name of Object.keys(dependencies))
        expect([folder, devDependencies]).not.toHaveProperty([1, name]);
      for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
        versions.set(name, (versions.get(name) ?? new Set()).add(version));
    }
    const differing = [...versions].filter(([, set]) => set.size > 1).map(([name, set]) => [name, ...set]);
    expect(differing).toEqual([]);
  });
});

describe("what is dangerous has one place:", () => {
  it.each<[string, readonly string[]]>([
    ["dockerode", ["apps/launcher"]],
    ["http-proxy", ["apps/egress-filter", "apps/front-door"]],
    ["ioredis", ["libs/redis-kit"]],
  ])("%s is imported by %j alone", (name, allowed) => {
    const found = violations((file, { folder, manifest }) =>
      allowed.includes(folder)
        ? []
        : importsOf(file, (specifier, { isType }) => {
            const mayNameTypes = isType && allowed.some((owner) => dependsOn(manifest, owner));
            return packageOf(specifier) === name && !mayNameTypes && !file.isForDevelopment;
          }),
    );
    expect(found).toEqual([]);
  });

  it("the environment is read where a program starts, and nowhere else", () => {
    const found = violations((file, { folder, manifest }) => {
      const entries = Object.values(manifest.entries ?? {}).map((entry) => join(folder, entry));
      const isEntry = basename(file.path) === "main.ts" || entries.includes(file.path);
      return !isEntry && !file.isForDevelopment && /\bprocess\.env\b/.test(file.text) ? ["process.env"] : [];
    });
    expect(found).toEqual([]);
  });

  function dependsOn(manifest: Manifest, folder: string): boolean {
    const name = packages.find((item) => item.folder === folder)?.manifest.name ?? "";
    return declaredBy(manifest.dependencies).has(name);
  }
});

describe("a file", () => {
  it("has at most 400 lines, a test 500, and a main.ts 40", () => {
    const allowedIn = (path: string) => {
      if (basename(path) === "main.ts") return 40;
      return path.endsWith(".test.ts") ? 500 : 400;
    };
    const sizes = allFiles.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
    expect(sizes.filter(({ path, lines }) => lines > allowedIn(path))).toEqual([]);
    expect(sizes.filter(({ path }) => basename(path) === "main.ts").length).toBeGreaterThanOrEqual(15);
  });

  it("is named after its one idea, in kebab case", () => {
    const vague = /^(?:utils?|helpers?|common|managers?|misc|shared)\b|-(?:utils?|helpers?|manager)\b/;
    const names = allFiles.map(({ path }) => path);
    expect(names.filter((path) => vague.test(basename(path)))).toEqual([]);
    expect(names.filter((path) => !/^[a-z0-9.-]+$/.test(basename(path)))).toEqual([]);
  });
});
