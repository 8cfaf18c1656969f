import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One attack on a forward proxy, or one thing that it must not break. */
export interface Vector {
  /** `IP4-01`; the part before the dash is its group. */
  readonly id: string;
  readonly cls: string;
  /** Bytes with `\r`, `\n`, `\\` and `\xNN` written out, or a description in words. */
  readonly send: string;
  readonly expect: string;
  /** Reason codes, `/` or `or` between alternatives. */
  readonly reason: string;
  readonly source: string;
}

export const GROUPS = ["IP4", "IP6", "NAME", "REQ", "SMG", "TLS", "DNS", "TOP", "RES"] as const;
export type Group = (typeof GROUPS)[number];

interface Corpus {
  readonly policy: { readonly allow: readonly string[]; readonly note: string };
  readonly vectors: readonly Vector[];
}

/** The whole corpus, as it stands in egress-vectors.json. */
export function readCorpus(): Corpus {
  return JSON.parse(readFileSync(join(import.meta.dirname, "egress-vectors.json"), "utf8")) as Corpus;
}

export function groupOf({ id }: Pick<Vector, "id">): Group {
  const group = GROUPS.find((name) => id.startsWith(`${name}-`));
  if (group === undefined) throw new Error(`${id} belongs to no group`);
  return group;
}

const ESCAPES: Readonly<Record<string, string>> = { r: "\r", n: "\n", "\\": "\\" };

/** What the vector sends, one character per byte (latin1); a vector in words gives its words. */
export function bytesOf({ send }: Pick<Vector, "send">): string {
  // The note stands behind a host that is to be sent as UTF-8.
  const text = Buffer.from(send.replaceAll(" (UTF-8 bytes)", ""), "utf8").toString("latin1");
  return text.replaceAll(/\\(?:([rn\\])|x([0-9a-f]{2}))/g, (_all, letter?: string, hex?: string) =>
    letter === undefined ? String.fromCharCode(Number.parseInt(hex ?? "0", 16)) : (ESCAPES[letter] ?? ""),
  );
}
