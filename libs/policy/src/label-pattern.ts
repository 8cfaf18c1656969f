import { matchesGlob } from "./glob.ts";

/**
 * Whether two patterns of host names have a host in common. In both, a label `*` is any one label, `*` in a
 * label any run of characters, and `**` as first label one label or more.
 */
export function haveCommonHost(one: string, other: string): boolean {
  // Addresses are no labels: their dots and colons stand for nothing.
  if (one === other) return true;
  return meet(one.split("."), other.split("."));
}

function meet(one: readonly string[], other: readonly string[]): boolean {
  const [first, ...rest] = one;
  const [head, ...tail] = other;
  if (first === undefined || head === undefined) return first === head;
  if (first === "**" && meet(one, tail)) return true;
  if (head === "**" && meet(rest, other)) return true;
  if (first === "**" || head === "**") return meet(rest, tail);
  return haveCommonLabel(first, head) && meet(rest, tail);
}

/** At most one of the two is a glob with other characters than `*`: rules have whole labels alone. */
function haveCommonLabel(one: string, other: string): boolean {
  if (one === other || one === "*" || other === "*") return true;
  if (one.includes("*")) return matchesGlob(one, other);
  return other.includes("*") && matchesGlob(other, one);
}
