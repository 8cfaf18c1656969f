import type { JsonValue } from "@claws/contracts";

export interface StringPlace {
  readonly text: string;
  readonly path: string;
  /** The member name that a value stands under. */
  readonly name: string | undefined;
}

/** Fewer digits than a card number has are not worth a look. */
const SHORTEST_NUMBER = 12;

/** One step of a JSON Pointer (RFC 6901). */
export function appendPointer(path: string, step: string | number): string {
  return `${path}/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/**
 * Where a member's name itself is found: its pointer and `#`, as relative JSON pointers write it. A
 * member whose name ends in `#` shares that address; redaction then takes both, which hides too much
 * rather than too little.
 */
export function pointerOfName(path: string): string {
  return `${path}#`;
}

/** The text that is scanned for a scalar: strings, and numbers long enough to be one. */
export function textOfScalar(value: JsonValue): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "number") return undefined;
  const text = String(value);
  return text.length >= SHORTEST_NUMBER ? text : undefined;
}

/** Visits every string of a JSON value in document order: values, member names, and long numbers. */
export function walkStrings(content: JsonValue, visit: (place: StringPlace) => void): void {
  walk(content, "", undefined, visit);
}

function walk(
  value: JsonValue,
  path: string,
  name: string | undefined,
  visit: (place: StringPlace) => void,
): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) => walk(item, appendPointer(path, index), name, visit));
    return;
  }
  if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      const memberPath = appendPointer(path, key);
      visit({ text: key, path: pointerOfName(memberPath), name: undefined });
      walk(member, memberPath, key, visit);
    }
    return;
  }
  const text = textOfScalar(value);
  if (text !== undefined) visit({ text, path, name });
}
