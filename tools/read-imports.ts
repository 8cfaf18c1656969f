/** One import of a TypeScript file. `isType` when nothing of it is left at run time. */
export interface Import {
  readonly specifier: string;
  readonly isType: boolean;
}

const STATEMENT =
  /^[ \t]*(?:import|export)\s+(type\s+)?((?:[\w*{}\s,$]|"[^"]*"(?=\s+as))*?)\s*from\s+"([^"]+)"/gm;
const SIDE_EFFECT = /^[ \t]*import\s+"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"\s*\)/g;
/** `import { type A, type B }` is erased as well. */
const ONLY_TYPES = /^\{(?:\s*type\s+[\w$]+(?:\s+as\s+[\w$]+)?\s*,?)+\s*\}$/;

/** Every import and re-export of a file, as its text says. */
export function readImports(text: string): Import[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
  return [
    ...[...code.matchAll(STATEMENT)].map(([, type, names = "", specifier = ""]) => ({
      specifier,
      isType: type !== undefined || ONLY_TYPES.test(names.trim()),
    })),
    ...[...code.matchAll(SIDE_EFFECT), ...code.matchAll(DYNAMIC)].map(([, specifier = ""]) => ({
      specifier,
      isType: false,
    })),
  ];
}

/** `@scope/name/sub/path` and `name/sub/path` without the path inside the package. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
