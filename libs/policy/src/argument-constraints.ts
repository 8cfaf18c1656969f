import { posix } from "node:path";
import type { ArgumentConstraint, JsonValue } from "@claws/contracts";
import { matchesHost } from "./host-pattern.ts";
import type { ToolTerms } from "./tool-terms.ts";

export interface ConstraintViolation {
  readonly argument: string;
  readonly reason: string;
  readonly key: string;
}

/**
 * Checks the arguments against the profile's own constraints and returns the first violation. A
 * constrained argument that is absent is fine (the tool's schema says whether it is required); an array
 * is judged element by element; a value of the wrong type for its constraint is a violation.
 */
export function findConstraintViolation(
  constraints: ToolTerms["constraints"],
  values: Readonly<Record<string, JsonValue>>,
): ConstraintViolation | undefined {
  for (const { argument, constraint, key } of constraints) {
    const value = values[argument];
    if (value === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value]) {
      const reason = violationOf(constraint, item);
      if (reason !== undefined) return { argument, reason, key };
    }
  }
  return undefined;
}

function violationOf(constraint: ArgumentConstraint, value: JsonValue): string | undefined {
  const { roots, hosts, enum: choices, maxLength, maximum } = constraint;
  if (roots !== undefined && !(typeof value === "string" && roots.some((root) => isInside(root, value)))) {
    return `must be an absolute path inside ${roots.join(" or ")}`;
  }
  if (hosts !== undefined && !(typeof value === "string" && hosts.some((host) => hasHost(value, host)))) {
    return `must be a URL on ${hosts.join(" or ")}`;
  }
  if (choices !== undefined && !choices.some((choice) => choice === value)) {
    return `must be one of ${choices.join(", ")}`;
  }
  if (maxLength !== undefined && !(typeof value === "string" && value.length <= maxLength)) {
    return `must be a text of at most ${maxLength} characters`;
  }
  if (maximum !== undefined && !(typeof value === "number" && value <= maximum)) {
    return `must be a number of at most ${maximum}`;
  }
  return undefined;
}

/**
 * Lexical containment: `..` is resolved, a backslash or NUL is never a path of ours, and `/data-evil`
 * is not inside `/data`. Symbolic links are the server's mounts' business.
 */
function isInside(root: string, path: string): boolean {
  if (!path.startsWith("/") || path.includes("\0") || path.includes("\\")) return false;
  const normal = posix.normalize(path).replace(/\/+$/, "") || "/";
  const base = posix.normalize(root).replace(/\/+$/, "");
  return normal === base || normal.startsWith(`${base}/`);
}

/**
 * The host must stand in the text as every parser reads it. WHATWG parsers drop line breaks, take `\` for
 * `/` and guess at missing slashes, others do not: `https://good.test\@evil.test/` is one host to us and
 * another to a server that asks curl.
 */
function hasHost(value: string, pattern: string): boolean {
  const written = /^https?:\/\/([^/?#@\\\s]+)(?:[/?#]|$)/i.exec(value)?.[1];
  const url = URL.parse(value);
  if (written === undefined || url === null || /[\s\\]/.test(value) || !isPrintable(value)) return false;
  const host = written.toLowerCase().replace(/:\d*$/, "");
  return host === url.hostname && matchesHost(pattern, url.hostname);
}

function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}
