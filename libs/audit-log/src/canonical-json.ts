import canonicalize from "canonicalize";

/**
 * Canonical JSON (RFC 8785) of a record. Its rules for numbers and strings are those of JSON.stringify, so the order of
 * the members is all that is left to do. That takes a fraction of the library's time, which a log that grows by thousands
 * of lines a second feels. What may not be Unicode is left to the library, which throws.
 */
export function canonicalJson(value: object): string {
  const text = write(value);
  if (text !== undefined && !text.includes("\\ud")) return text;
  const careful = canonicalize(value);
  if (careful === undefined) throw new Error("an object has a canonical form");
  return careful;
}

function write(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item) ?? "null").join(",")}]`;
  // UTF-16 code units (RFC 8785 section 3.2.3) are what sort compares when it is given nothing to compare with.
  const names = Object.keys(value).sort();
  const members: string[] = [];
  for (const name of names) {
    const text = write((value as Record<string, unknown>)[name]);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${members.join(",")}}`;
}
