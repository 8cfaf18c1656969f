/** A path that every server on the way reads as we do, or that some would read otherwise. */
export type PathReading =
  | {
      readonly ok: true;
      /** Without query; escapes of plain characters undone, all others in upper case (`%2F` stays). */
      readonly path: string;
    }
  | {
      readonly ok: false;
      readonly reason: "path_ambiguous";
      readonly detail: string;
      /** It climbs, or hides that it does: refused wherever it is sent, also where no rule has paths. */
      readonly isTraversal: boolean;
    };

/** What stands for itself in a path (RFC 3986 `pchar`), but for `;`, which servers give a meaning to. */
const PLAIN = /^[\w.~@:!$&'()*+,=-]$/;

/** As many layers of escapes as a chain of servers could undo; more than that is refused as it stands. */
const MAX_LAYERS = 4;

/** `.` and `..`, also with what servers cut off: path parameters (`..;x`) and blanks. */
// oxlint-disable-next-line no-control-regex -- controls are what servers cut off
const DOT_SEGMENT = /^[\0-\x20]*\.{1,2}[\0-\x20]*(?:;.*)?$/s;

/**
 * Reads the path of a request target, strictly: nothing is resolved or repaired, since the server may
 * repair it another way (RFC 3986 section 6.2; CVE-2021-41773, CVE-2020-5902). `%2f` never equals `/`.
 */
export function readPath(target: string): PathReading {
  const end = target.indexOf("?");
  const raw = end < 0 ? target : target.slice(0, end);
  if (PLAIN_PATH.test(raw) && !HAS_PLAIN_DOT_SEGMENT.test(raw)) return { ok: true, path: raw };

  const traversal = findTraversal(raw);
  if (traversal !== undefined) return ambiguous(traversal, true);
  const oddity = findOddity(raw);
  if (oddity !== undefined) return ambiguous(oddity, false);
  return { ok: true, path: canonicalise(raw) };
}

/**
 * The widest reading that a server may give to a path: separators unescaped, path parameters cut, case
 * folded. What a deny rule means is looked for in this form too, so that no spelling slips past it.
 */
export function widenPath(path: string): string {
  return path
    .replaceAll("%2F", "/")
    .replaceAll("%3B", ";")
    .replace(/;[^/]*/g, "")
    .replace(/\/{2,}/g, "/")
    .toLowerCase();
}

/** What nearly every path is: it needs no second look. */
const PLAIN_PATH = /^(?=\/)(?:\/[\w.~@:!$&'()*+,=-]+)*\/?$/;
const HAS_PLAIN_DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;

function findTraversal(raw: string): string | undefined {
  if (!raw.startsWith("/")) return "a path begins with /";
  if (raw.includes("//")) return "the path has an empty segment";
  if (/[\\#]/.test(raw)) return "the path has a \\ or a #";
  // oxlint-disable-next-line no-control-regex -- controls are what is looked for
  if (/[\0-\x20\x7f]/.test(raw)) return "the path has a control character or a blank";
  let layer = raw;
  for (let depth = 0; depth <= MAX_LAYERS; depth++) {
    if (layer.split(/[/\\]/).some((segment) => DOT_SEGMENT.test(segment)))
      return depth === 0 ? "the path has a dot segment" : "the path has a dot segment behind escapes";
    const next = undoEscapes(layer);
    if (next === layer) return undefined;
    layer = next;
  }
  return `the path is escaped more than ${MAX_LAYERS} times over`;
}

/** Only for finding dots and separators; overlong UTF-8 of them counts (CVE-2000-0884, still met). */
function undoEscapes(text: string): string {
  return text
    .replace(/%(?:c0%ae|e0%80%ae)/gi, ".")
    .replace(/%(?:c0%af|e0%80%af)/gi, "/")
    .replace(/%(?:c1%9c|e0%81%9c)/gi, "\\")
    .replace(/%([0-7][0-9a-f])/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** What only matters where a rule looks at paths. */
function findOddity(raw: string): string | undefined {
  if (!/^[!-~]*$/.test(raw)) return "the path has a character that must be escaped";
  if (/%(?![0-9a-f]{2})/i.test(raw)) return "the path has a % that begins no escape";
  if (/%25[0-9a-f]{2}/i.test(raw)) return "the path is escaped twice over";
  if (/%5c/i.test(raw)) return "the path has an escaped \\";
  if (/%(?:[01][0-9a-f]|7f)/i.test(raw)) return "the path has an escaped control character";
  return isUtf8(raw) ? undefined : "the escapes in the path are no UTF-8";
}

function isUtf8(raw: string): boolean {
  try {
    decodeURIComponent(raw);
    return true;
  } catch {
    return false;
  }
}

/** One spelling for each path: plain characters as themselves, every other but `/` and `;` escaped. */
function canonicalise(raw: string): string {
  return raw.replace(/%([0-9a-f]{2})|[^\w.~@:!$&'()*+,=/;-]/gi, (found, hex: string | undefined) => {
    if (hex === undefined) return `%${found.charCodeAt(0).toString(16).toUpperCase()}`;
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return PLAIN.test(character) ? character : found.toUpperCase();
  });
}

function ambiguous(detail: string, isTraversal: boolean): PathReading {
  return { ok: false, reason: "path_ambiguous", detail, isTraversal };
}
