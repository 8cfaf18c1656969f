/** One change of a text: from a line on (0-based), some lines go and others come. */
export interface Splice {
  readonly at: number;
  readonly removed: number;
  readonly added: readonly string[];
}

const CONTEXT = 3;
const NO_NEWLINE = "\\ No newline at end of file";

/** The change as a unified diff that `git apply` and `patch -p1` take; empty when it changes nothing. */
export function diffOfSplice(path: string, text: string, { at, removed, added }: Splice): string {
  if (removed === 0 && added.length === 0) return "";
  const lines = text.split("\n");
  const isComplete = lines.at(-1) === "";
  if (isComplete) lines.pop();
  const from = Math.max(0, at - CONTEXT);
  const to = Math.min(lines.length, at + removed + CONTEXT);
  const before = lines.slice(from, at);
  const gone = lines.slice(at, at + removed);
  const after = lines.slice(at + removed, to);
  const touchesEnd = !isComplete && to === lines.length;
  const isEndKept = touchesEnd && after.length > 0;
  const isAtEnd = touchesEnd && after.length === 0;

  // Lines that come after an unfinished last line finish it first: it goes and comes back with its newline.
  const last = isAtEnd && gone.length === 0 ? before.pop() : undefined;
  const out = last === undefined ? gone : [last];
  const come = last === undefined ? added : [last, ...added];
  const old = before.length + out.length + after.length;
  const body = [
    ...before.map((line) => ` ${line}`),
    ...out.map((line) => `-${line}`),
    ...(isAtEnd && out.length > 0 ? [NO_NEWLINE] : []),
    ...come.map((line) => `+${line}`),
    ...after.map((line) => ` ${line}`),
    ...(isEndKept ? [NO_NEWLINE] : []),
  ];
  const start = (length: number) => (length === 0 ? from : from + 1);
  const now = before.length + come.length + after.length;
  const header = [`--- a/${path}`, `+++ b/${path}`, `@@ -${start(old)},${old} +${start(now)},${now} @@`];
  return `${[...header, ...body].join("\n")}\n`;
}
