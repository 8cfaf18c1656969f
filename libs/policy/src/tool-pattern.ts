/**
 * Whether a profile's pattern means this tool. `*` stands for any run of characters. A pattern with
 * `__` is matched against the full name `server__tool`; one without is matched against the tool's own
 * name on whatever server, so that lists like `read_file,search` read as people write them.
 */
export function matchesTool(pattern: string, tool: string): boolean {
  const separator = tool.indexOf("__");
  const subject = pattern.includes("__") || pattern === "*" ? tool : tool.slice(separator + 2);
  return matchesGlob(pattern, subject);
}

/** Linear-time glob with `*` only: no regular expression is built from a profile's text. */
function matchesGlob(pattern: string, subject: string): boolean {
  const parts = pattern.split("*");
  const first = parts[0] ?? "";
  if (parts.length === 1) return subject === pattern;
  if (!subject.startsWith(first)) return false;
  const last = parts.at(-1) ?? "";
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = subject.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return subject.length - position >= last.length && subject.endsWith(last);
}
