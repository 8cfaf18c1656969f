import type { Detector, RuleFacts } from "../detector.ts";

const LONGEST_STRING = 100 * 1024;

const OVERSIZE: RuleFacts = { id: "oversize-string", category: "size", severity: "medium", confidence: 1 };

/** Strings too long for a person to have meant, where bulk data hides. */
export function createSizeDetector(longest = LONGEST_STRING): Detector {
  return {
    detect: (text) =>
      text.length > longest ? [{ rule: OVERSIZE, start: 0, end: text.length, decodedBy: [] }] : [],
  };
}
