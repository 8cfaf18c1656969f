import { isMap, isPair, type Document, type LineCounter, type Node } from "yaml";
import type * as z from "zod";

/** One mistake in a profile, with the line at fault. */
export interface ProfileMistake {
  /** 1-based; absent when the mistake is not in the file (an override from the environment). */
  readonly line?: number;
  readonly message: string;
}

/** Turns schema issues into mistakes with the line where the profile's author must look. */
export function locateIssues(
  issues: readonly z.core.$ZodIssue[],
  document: Document,
  lines: LineCounter,
): ProfileMistake[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        ...lineOfKey(document, lines, issue.path, key),
        message: `${[...issue.path, key].join(".")}: no such key`,
      }));
    }
    const path = issue.path.join(".") || "profile";
    // What is wrong with a name stands one level deeper than that it is wrong.
    const message = (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) ?? issue.message;
    return [{ ...lineOf(document, lines, issue.path), message: `${path}: ${message}` }];
  });
}

/** The line of the deepest node on the path that exists: where something is missing, its parent's. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): { line: number } {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    const start = (node as Node | null | undefined)?.range?.[0];
    if (start !== undefined) return { line: lines.linePos(start).line };
  }
  return { line: 1 };
}

function lineOfKey(
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
  key: string,
): { line: number } {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(map)) {
    const pair = map.items.find((item) => isPair(item) && String(item.key) === key);
    const start = (pair?.key as Node | undefined)?.range?.[0];
    if (start !== undefined) return { line: lines.linePos(start).line };
  }
  return lineOf(document, lines, path);
}
