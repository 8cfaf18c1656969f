/** A part of a text that is another text in disguise. Offsets are those of the encoded part. */
export interface DecodedSpan {
  readonly start: number;
  readonly end: number;
  readonly encoding: "base64" | "percent";
  readonly text: string;
}

/** How many characters may still be decoded in this scan; hostile content could ask for any number. */
export interface DecodingBudget {
  left: number;
}

export interface Decoded {
  readonly spans: readonly DecodedSpan[];
  /** Something was left undecoded because the budget was used up. */
  readonly isPartial: boolean;
}

/** RFC 4648 sections 4 and 5; sixteen characters are the shortest that a rule could find anything in. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{16,}={0,2}/g;
/** Between the characters that part the fields of a URL or of a form, so that a span stays small. */
const FIELD = /[^\s"'<>&?]+/g;
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g;

/** Undoes one layer of base64 and of percent-encoding (RFC 3986) wherever that yields text. */
export function decodeOnce(text: string, budget: DecodingBudget): Decoded {
  const spans: DecodedSpan[] = [];
  let isPartial = false;

  const attempt = (
    encoding: DecodedSpan["encoding"],
    match: RegExpExecArray,
    decode: (encoded: string) => string | undefined,
  ) => {
    const [encoded] = match;
    if (encoded.length > budget.left) {
      isPartial = true;
      return;
    }
    budget.left -= encoded.length;
    const decoded = decode(encoded);
    if (decoded === undefined) return;
    spans.push({ start: match.index, end: match.index + encoded.length, encoding, text: decoded });
  };

  for (const match of text.matchAll(BASE64_RUN)) attempt("base64", match, decodeBase64);
  if (text.includes("%")) {
    for (const match of text.matchAll(FIELD)) {
      if (/%[0-9A-Fa-f]{2}/.test(match[0])) attempt("percent", match, decodePercent);
    }
  }
  return { spans, isPartial };
}

function decodeBase64(encoded: string): string | undefined {
  const bytes = Buffer.from(encoded, "base64");
  const text = bytes.toString("utf8");
  // Words, paths and hashes are of the same alphabet; what they decode to is not text.
  return /[^\P{Cc}\s]|\ufffd/u.test(text) ? undefined : text;
}

function decodePercent(encoded: string): string {
  return encoded.replace(ESCAPES, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8"));
}
