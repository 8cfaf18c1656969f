import { matchesGlob } from "./glob.ts";
import { readPath } from "./read-path.ts";

/**
 * Which paths a rule means. `/v1/` with a slash at the end: everything below; `/v1/models`: that path alone;
 * a segment `*` is one segment, `*` beside other characters any run of them, `**` any number of segments
 * (at the end at least one). Globs may end in a slash too, and are then prefixes.
 */
export interface PathPattern {
  readonly segments: readonly string[];
  readonly isPrefix: boolean;
}

export type PathPatternReading =
  | { readonly ok: true; readonly pattern: PathPattern }
  | { readonly ok: false; readonly reason: string };

const ANY_DEPTH = "**";

/** Reads one entry of a rule's `paths`: it must be in the form that requests are compared in. */
export function readPathPattern(text: string): PathPatternReading {
  if (/[?#]/.test(text))
    return { ok: false, reason: `"${text}": a pattern is of the path alone, without query` };
  const reading = readPath(text);
  if (!reading.ok) return { ok: false, reason: `"${text}": ${reading.detail}` };
  if (reading.path !== text)
    return { ok: false, reason: `"${text}": write the path in its canonical form, ${reading.path}` };
  const isPrefix = text.endsWith("/");
  const segments = text.slice(1, isPrefix ? -1 : undefined).split("/");
  if (segments.some((segment) => segment.includes(ANY_DEPTH) && segment !== ANY_DEPTH))
    return { ok: false, reason: `"${text}": ** stands alone between slashes` };
  return { ok: true, pattern: { segments: text === "/" ? [] : segments, isPrefix } };
}

/** Whether a canonical path (see `readPath`) is one that the pattern means. Linear in both, near enough. */
export function matchesPath({ segments, isPrefix }: PathPattern, path: string): boolean {
  const given = path.slice(1).split("/");
  if (!isPrefix) return matchesSegments(segments, given);
  // A prefix ends in a slash, so at least one segment, though it may be empty, follows.
  return matchesSegments([...segments, ANY_DEPTH], given);
}

/** Greedy with one point of return: enough for wildcards, and never exponential. */
function matchesSegments(pattern: readonly string[], given: readonly string[]): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let resume = 0;
  while (from < given.length) {
    const segment = pattern[at];
    if (segment === ANY_DEPTH) {
      star = at++;
      // At the end it means at least one segment; the loop then eats the rest.
      resume = from;
      if (at === pattern.length) return true;
    } else if (segment !== undefined && matchesSegment(segment, given[from] ?? "")) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++resume;
    } else {
      return false;
    }
  }
  return at === pattern.length;
}

function matchesSegment(pattern: string, text: string): boolean {
  return pattern === "*" ? text !== "" : matchesGlob(pattern, text);
}
