import { RecordType } from "./dns-message.ts";

/**
 * A sign that a name carries something out instead of asking for something.
 *
 * - `data_type`: the type's answer is made for data (TXT, NULL, ANY ...), or nobody asks it who wants an address
 * - `odd_bytes`: a label holds what no host name has (RFC 952, 1123; underscores are tolerated)
 * - `long_name`, `long_label`: more room than names that people give
 * - `encoded_label`: reads like hexadecimal, base32, base36, base64url or a long number
 * - `high_entropy_label`: letters and digits without a pattern
 */
export type NameIndicator =
  | "data_type"
  | "odd_bytes"
  | "long_name"
  | "long_label"
  | "encoded_label"
  | "high_entropy_label";

const MAX_NAME = 120;
const MAX_LABEL = 40;
/** 8 bytes in hexadecimal. CloudFront's identifiers have 13 or 14 characters, AWS accounts 12 digits. */
const MIN_ENCODED = 16;
/** Where letters and digits alternate by chance, 20 characters of base32 do so 6 times on average. */
const MIN_MIXED = 20;
const MIN_CHANGES = 6;
/** Enough once something else speaks for it; words with a number at the end (`proddm20024`) have one or two. */
const MIN_RANDOM_CHANGES = 3;
/** Bits per character, of at most 4.3 in 20 characters. */
const MAX_ENTROPY = 3.8;

const HOST_LABEL = /^[a-z0-9_-]+$/i;
const HEXADECIMAL = /^[0-9a-f]*\d[0-9a-f]*$/;

/** What a client asks that wants to connect (RFC 1035, 3596, 9460), or that has an address and wants its name. */
const PLAIN_TYPES: ReadonlySet<number> = new Set([
  RecordType.A,
  RecordType.AAAA,
  RecordType.SVCB,
  RecordType.HTTPS,
  RecordType.PTR,
]);

/** Types outside A, AAAA, PTR, SVCB and HTTPS are refused as a whole, new ones included. */
export function findTypeIndicator(type: number): NameIndicator | undefined {
  return PLAIN_TYPES.has(type) ? undefined : "data_type";
}

/**
 * Judges labels as they were sent, upper and lower case kept: base64url needs both. A heuristic, and no
 * boundary: letters alone (a word list) pass. Nothing is forwarded, so nothing gets out if it errs.
 */
export function findNameIndicator(labels: readonly string[]): NameIndicator | undefined {
  if (!labels.every((label) => HOST_LABEL.test(label))) return "odd_bytes";
  if (labels.join(".").length > MAX_NAME) return "long_name";
  if (labels.some((label) => label.length > MAX_LABEL)) return "long_label";
  if (labels.some(isEncoded)) return "encoded_label";
  return labels.some(isRandom) ? "high_entropy_label" : undefined;
}

function isEncoded(label: string): boolean {
  if (isMixedCase(label)) return true;
  const pieces = piecesOf(label);
  if (pieces.some((piece) => piece.length >= MIN_ENCODED && HEXADECIMAL.test(piece))) return true;
  // Hyphens do not hide it, as a GUID shows; yet `app2-v3-us-east-1` changes within its words only.
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const changes = pieces.reduce((sum, piece) => sum + countChanges(piece, isDigit), 0);
  return length >= MIN_MIXED && changes >= MIN_CHANGES;
}

function isRandom(label: string): boolean {
  return piecesOf(label).some(
    (piece) =>
      piece.length >= MIN_MIXED &&
      countChanges(piece, isDigit) >= MIN_RANDOM_CHANGES &&
      entropyOf(piece) > MAX_ENTROPY,
  );
}

/** An IDNA prefix is no data, what follows may be. */
function piecesOf(label: string): string[] {
  return label.toLowerCase().replace(/^xn--/, "").split(/[-_]+/);
}

/** base64url, or a client that spells names at random (draft-vixie-dnsext-dns0x20) and has a digit in them. */
function isMixedCase(label: string): boolean {
  return (
    label.length >= MIN_ENCODED &&
    /[a-z]/.test(label) &&
    /[A-Z]/.test(label) &&
    /\d/.test(label) &&
    countChanges(label, isUpper) >= MIN_CHANGES
  );
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}

function isUpper(character: string): boolean {
  return character >= "A" && character <= "Z";
}

function countChanges(text: string, isOfClass: (character: string) => boolean): number {
  const classes = Array.from(text, isOfClass);
  return classes.filter((value, index) => index > 0 && value !== classes[index - 1]).length;
}

/** Shannon entropy in bits per character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / text.length;
    return sum - share * Math.log2(share);
  }, 0);
}
