import { JsonValue } from "@claws/contracts";
import { type Document, LineCounter, parseDocument } from "yaml";
import type { ProfileMistake } from "./profile-mistake.ts";

export type YamlReading =
  | { readonly ok: true; readonly value: unknown; readonly document: Document; readonly lines: LineCounter }
  | { readonly ok: false; readonly mistakes: readonly ProfileMistake[] };

const OPTIONS = { uniqueKeys: true, version: "1.2", prettyErrors: false, logLevel: "error" } as const;
const MAX_ALIASES = 20;

/** Reads one YAML 1.2 document; whatever the parser objects to, or would have to guess at, is a mistake. */
export function readYaml(text: string): YamlReading {
  const lines = new LineCounter();
  const refuse = (message: string): YamlReading => ({ ok: false, mistakes: [{ line: 1, message }] });
  try {
    const document = parseDocument(text, { ...OPTIONS, lineCounter: lines });
    const objections = [...document.errors, ...document.warnings];
    if (objections.length > 0) {
      const mistakes = objections.map(({ pos, message }) => ({ line: lines.linePos(pos[0]).line, message }));
      return { ok: false, mistakes };
    }
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return JsonValue.safeParse(value).success
      ? { ok: true, value, document, lines }
      : refuse("the profile says what JSON cannot: a key __proto__, a date, an endless number or a loop");
  } catch (error) {
    // Aliases that point nowhere or multiply show only here, and without a position.
    return refuse(`this is not YAML that can be read: ${(error as Error).message}`);
  }
}
