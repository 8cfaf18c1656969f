import type { Detector, Match, RuleFacts } from "./detector.ts";

/**
 * A rule as a row of a table. Patterns run on hostile text, so they are bounded: no quantifier inside a
 * repeated group unless both have an upper bound, which keeps V8's backtracking linear in the text.
 */
export interface DetectionRule extends RuleFacts {
  /** Needs the flag `g`, and `d` where `group` is given. */
  readonly pattern: RegExp;
  /** The capture group that holds what was found; the whole match without it. */
  readonly group?: number;
  /** Cuts off what the pattern took too much of at the end. */
  readonly trim?: (matched: string) => string;
  /** The check that a pattern cannot make: a checksum, a date, an entropy. */
  readonly validate?: (matched: string) => boolean;
}

/** A detector that applies each rule of a table to the whole text. */
export function createRuleDetector(rules: readonly DetectionRule[]): Detector {
  // Copies, since an expression keeps the place where its search stands.
  const own = rules.map((rule) => ({ ...rule, pattern: new RegExp(rule.pattern) }));
  return { detect: (text) => own.flatMap((rule) => findMatches(rule, text)) };
}

function findMatches(rule: DetectionRule, text: string): Match[] {
  const { pattern, group = 0, trim, validate } = rule;
  const matches: Match[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const found = match[group] ?? "";
    const kept = trim ? trim(found) : found;
    if (kept === "" || (validate && !validate(kept))) {
      // What was refused may hide the real thing: `8726 4111 1111 1111 1111` begins with no card.
      pattern.lastIndex = match.index + 1;
      continue;
    }
    const start = group === 0 ? match.index : (match.indices?.[group]?.[0] ?? match.index);
    const end = start + kept.length;
    pattern.lastIndex = end;
    matches.push({ rule, start, end, decodedBy: [] });
  }
  return matches;
}
