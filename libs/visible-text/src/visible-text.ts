/** A stretch of text as it may be shown, or a marker for what the eye would miss. */
export interface TextPart {
  readonly text: string;
  readonly isMarker: boolean;
}

/**
 * What has no ink or turns the direction of what has: controls, format characters (bidi, zero-width,
 * tags), every space but the plain one, unassigned and private characters, lone surrogates, variation
 * selectors, and letters that look like nothing. A line feed is left to the layout.
 */
const INVISIBLE = /[[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]--[ \n]]/v;

/** Spaces that push text out of sight; the indentation of a line is not preceded by ink. */
const PADDING = /(?<=\S) {4,}/v;

const HIDDEN = new RegExp(`${INVISIBLE.source}|${PADDING.source}`, "gv");

const NAMES: Readonly<Record<number, string>> = {
  0x9: "tab",
  0xd: "carriage return",
  0xa0: "no-break space",
  0xad: "soft hyphen",
  0x200b: "zero-width space",
  0x200c: "zero-width non-joiner",
  0x200d: "zero-width joiner",
  0x200e: "left-to-right mark",
  0x200f: "right-to-left mark",
  0x2028: "line separator",
  0x202a: "left-to-right embedding",
  0x202b: "right-to-left embedding",
  0x202c: "end of direction",
  0x202d: "left-to-right override",
  0x202e: "right-to-left override",
  0x2066: "left-to-right isolate",
  0x2067: "right-to-left isolate",
  0x2068: "first strong isolate",
  0x2069: "end of isolate",
  0xfeff: "byte order mark",
};

/** Splits text so that nothing in it is invisible: markers stand for what would be. */
export function readVisibleText(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), isMarker: false });
    parts.push({ text: describe(match[0]), isMarker: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isMarker: false });
  return parts;
}

/** The same as one string, for where there is no markup: titles and announcements. */
export function toVisibleString(text: string): string {
  return readVisibleText(text)
    .map((part) => part.text)
    .join("");
}

function describe(hidden: string): string {
  if (hidden.startsWith(" ")) return `⟨${hidden.length} spaces⟩`;
  const point = hidden.codePointAt(0) ?? 0;
  const number = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
  const name = NAMES[point];
  return name === undefined ? `⟨${number}⟩` : `⟨${number} ${name}⟩`;
}
