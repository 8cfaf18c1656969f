import { matchesGlob } from "./glob.ts";

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
