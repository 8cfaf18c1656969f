import type { JsonObject, JsonValue } from "@claws/contracts";

/** Reads a record's detail attribute by attribute, and knows what nobody read. */
export interface DetailReader {
  /** Text that is not empty. */
  text(key: string): string | undefined;
  /** The same, but it still counts as not read. */
  peek(key: string): string | undefined;
  /** A whole number from 0 on. */
  count(key: string): number | undefined;
  /** What was not read, or is not of the kind that was asked for. */
  rest(): JsonObject;
}

export function createDetailReader(detail: JsonObject = {}): DetailReader {
  const read = new Set<string>();
  const valueOf = (key: string): JsonValue | undefined =>
    Object.hasOwn(detail, key) ? detail[key] : undefined;
  const peek = (key: string): string | undefined => {
    const value = valueOf(key);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  return {
    peek,
    text(key) {
      const value = peek(key);
      if (value !== undefined) read.add(key);
      return value;
    },
    count(key) {
      const value = valueOf(key);
      if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) return undefined;
      read.add(key);
      return value;
    },
    rest: () => Object.fromEntries(Object.entries(detail).filter(([key]) => !read.has(key))),
  };
}
