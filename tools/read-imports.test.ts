import { describe, expect, it } from "vitest";
import { packageOf, readImports } from "./read-imports.ts";

describe("the imports of a file", () => {
  it.each([
    ['import { a } from "x";', "x", false],
    ['import a, { b as c } from "x";', "x", false],
    ['import * as a from "x";', "x", false],
    ['import {\n  a,\n  type B,\n} from "x";', "x", false],
    ['import type { A } from "x";', "x", true],
    ['import type * as a from "x";', "x", true],
    ['import { type A, type B as C } from "x";', "x", true],
    ['import {\n  type A,\n} from "x";', "x", true],
    ['export { a } from "./x.ts";', "./x.ts", false],
    ['export * from "./x.ts";', "./x.ts", false],
    ['export type { A } from "./x.ts";', "./x.ts", true],
    ['import "x";', "x", false],
    ['const a = await import("x");', "x", false],
  ])("are read from %j", (text, specifier, isType) => {
    expect(readImports(text)).toEqual([{ specifier, isType }]);
  });

  it.each([
    '// import { a } from "x";',
    '/* import "x"; */',
    "const text = 'import \"x\"';",
    "import.meta.url",
  ])("are not seen in %j", (text) => expect(readImports(text)).toEqual([]));

  it.each([
    ["zod", "zod"],
    ["yaml/util", "yaml"],
    ["@claws/redis-kit/testing", "@claws/redis-kit"],
    ["@modelcontextprotocol/client", "@modelcontextprotocol/client"],
  ])("of %s belong to the package %s", (specifier, expected) => expect(packageOf(specifier)).toBe(expected));
});
