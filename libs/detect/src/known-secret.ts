import type { Detector, Match, RuleFacts } from "./detector.ts";

/** Shorter values are words of everyday text. */
const SHORTEST_VALUE = 6;

const KNOWN_SECRET: RuleFacts = {
  id: "known-secret",
  category: "secret",
  severity: "critical",
  confidence: 1,
};

interface Encoding {
  /** Empty for the value itself. */
  readonly decodedBy: readonly string[];
  readonly encode: (value: string) => string[];
  /** Hexadecimal digits have two spellings. */
  readonly flags: "g" | "gi";
}

const ENCODINGS: readonly Encoding[] = [
  { decodedBy: [], flags: "g", encode: (value) => [value] },
  { decodedBy: ["json"], flags: "gi", encode: (value) => [JSON.stringify(value).slice(1, -1)] },
  {
    decodedBy: ["percent"],
    flags: "gi",
    encode: (value) => [
      encodeURIComponent(value.toWellFormed()),
      new URLSearchParams({ v: value }).toString().slice(2),
      Buffer.from(value).toString("hex").replaceAll(/../g, "%$&"),
    ],
  },
  { decodedBy: ["hex"], flags: "gi", encode: (value) => [Buffer.from(value).toString("hex")] },
  { decodedBy: ["base64"], flags: "g", encode: encodeBase64Everywhere },
];

/** Finds the deployment's own secrets, as they are and in the encodings that tools put them into. */
export function createKnownSecretDetector(values: readonly string[]): Detector {
  const secrets = [...new Set(values)].filter((value) => value.length >= SHORTEST_VALUE);
  const plain = new Set(secrets);
  const searches = ENCODINGS.flatMap(({ decodedBy, encode, flags }) => {
    const needles = new Set(secrets.flatMap(encode));
    const fresh = decodedBy.length === 0 ? [...needles] : [...needles].filter((needle) => !plain.has(needle));
    if (fresh.length === 0) return [];
    const longestFirst = fresh.sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    return [{ decodedBy, pattern: new RegExp(longestFirst.map(escapePattern).join("|"), flags) }];
  });
  return {
    detect: (text) =>
      searches.flatMap(({ decodedBy, pattern }) =>
        Array.from(
          text.matchAll(pattern),
          ({ 0: { length }, index }): Match => ({
            rule: KNOWN_SECRET,
            start: index,
            end: index + length,
            decodedBy,
          }),
        ),
      ),
  };
}

/**
 * Base64 of the value at each of the three positions that it can have in a longer encoded text, without
 * the characters at either end that also depend on the neighbouring bytes.
 */
function encodeBase64Everywhere(value: string): string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].flatMap((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor((shifted.length * 8) / 6);
    return [shifted.toString("base64").slice(first, last), shifted.toString("base64url").slice(first, last)];
  });
}

function escapePattern(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
