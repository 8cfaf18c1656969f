import { isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from "yaml";
import type { Splice } from "./splice-diff.ts";

/** A rule as a line of YAML; one that is commented out stands there for the reader alone. */
export interface RuleLine {
  readonly text: string;
  readonly isComment: boolean;
}

export type Placement =
  | { readonly ok: true; readonly splice: Splice }
  | { readonly ok: false; readonly reason: string };

/** Finds where in a profile's text rules go: behind the last one under `egress.rules`, and nothing else changes. */
export function placeRules(text: string, rules: readonly RuleLine[]): Placement {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const root = document.contents;
  if (document.errors.length > 0 || !isMap(root)) return { ok: false, reason: "the profile is no YAML map" };
  const all = text.split("\n");
  const end = all.at(-1) === "" ? all.length - 1 : all.length;
  const ending = text.includes("\r\n") ? "\r" : "";
  const lineOf = (offset: number) => lines.linePos(offset).line - 1;
  const columnOf = (offset: number) => lines.linePos(offset).col - 1;
  const write = (indent: number) =>
    rules.map(({ text, isComment }) => `${" ".repeat(indent)}${isComment ? "# " : ""}- ${text}${ending}`);
  const hasActive = rules.some(({ isComment }) => !isComment);

  const egress = pairOf(root, "egress");
  if (egress === undefined)
    return hasActive
      ? splice(end, 0, [`egress:${ending}`, `  rules:${ending}`, ...write(4)])
      : nothingActive();
  if (!isMap(egress.value) || egress.value.flow === true || egress.value.range == null) return byHand();
  const found = pairOf(egress.value, "rules");
  if (found === undefined) {
    const at = lineOf(lastCharacter(egress.value.range)) + 1;
    const indent = columnOf(egress.value.range[0]);
    return hasActive
      ? splice(at, 0, [`${" ".repeat(indent)}rules:${ending}`, ...write(indent + 2)])
      : nothingActive();
  }
  const list = found.value;
  if (!isSeq(list) || list.range == null) return byHand();
  if (list.flow !== true) {
    const last = list.items.at(-1) as { range?: [number, number, number] } | undefined;
    if (last?.range == null) return byHand();
    return splice(lineOf(lastCharacter(last.range)) + 1, 0, write(columnOf(list.range[0])));
  }
  if (list.items.length > 0 || lineOf(found.start) !== lineOf(list.range[1])) return byHand();
  const at = lineOf(found.start);
  const indent = columnOf(found.start);
  if (!hasActive) return splice(at + 1, 0, write(indent + 2));
  const line = all[at] ?? "";
  const comment = line.slice(columnOf(list.range[1])).trimEnd();
  return splice(at, 1, [
    `${line.slice(0, columnOf(list.range[0])).trimEnd()}${comment}${ending}`,
    ...write(indent + 2),
  ]);
}

function pairOf(map: YAMLMap, name: string): { value: unknown; start: number } | undefined {
  const pair = map.items.find(({ key }) => isScalar(key) && key.value === name);
  if (pair === undefined || !isScalar(pair.key) || pair.key.range == null) return undefined;
  return { value: pair.value, start: pair.key.range[0] };
}

/** A block's value may reach over the newline after it. */
function lastCharacter([start, end]: readonly [number, number, number]): number {
  return Math.max(start, end - 1);
}

function splice(at: number, removed: number, added: readonly string[]): Placement {
  return { ok: true, splice: { at, removed, added } };
}

function nothingActive(): Placement {
  return { ok: false, reason: "there is no rule that could go in without a reason" };
}

function byHand(): Placement {
  return { ok: false, reason: "egress.rules is written in a form that only a person should edit" };
}
