import type { Finding, JsonValue } from "@claws/contracts";
import { appendPointer, pointerOfName, textOfScalar } from "./walk-strings.ts";

const SEVERITIES: readonly Finding["severity"][] = ["low", "medium", "high", "critical"];

/** A copy of the content in which each found span is `[redacted:rule]`; overlapping spans become one. */
export function redactFindings(content: JsonValue, findings: readonly Finding[]): JsonValue {
  return redactValue(
    content,
    "",
    Map.groupBy(findings, ({ path }) => path),
  );
}

type FindingsByPath = ReadonlyMap<string, readonly Finding[]>;

function redactValue(value: JsonValue, path: string, byPath: FindingsByPath): JsonValue {
  if (Array.isArray(value)) {
    return value.map((item, index) => redactValue(item, appendPointer(path, index), byPath));
  }
  if (typeof value === "object" && value !== null) return redactMembers(value, path, byPath);
  const found = byPath.get(path);
  const text = found && textOfScalar(value);
  return found && text !== undefined ? redactText(text, found) : value;
}

function redactMembers(value: { [key: string]: JsonValue }, path: string, byPath: FindingsByPath): JsonValue {
  const members = new Map<string, JsonValue>();
  for (const [key, member] of Object.entries(value)) {
    const memberPath = appendPointer(path, key);
    const found = byPath.get(pointerOfName(memberPath));
    const wanted = found ? redactText(key, found) : key;
    let name = wanted;
    for (let count = 2; members.has(name); count++) name = `${wanted}-${count}`;
    members.set(name, redactValue(member, memberPath, byPath));
  }
  // Not by assignment: a member named `__proto__` must stay a member.
  return Object.fromEntries(members);
}

function redactText(text: string, findings: readonly Finding[]): string {
  let redacted = "";
  let position = 0;
  for (const { start, end, rule } of mergeSpans(findings)) {
    redacted += `${text.slice(position, start)}[redacted:${rule}]`;
    position = end;
  }
  return redacted + text.slice(position);
}

interface RedactedSpan {
  readonly start: number;
  readonly end: number;
  readonly rule: string;
  readonly rank: number;
}

/** The most severe rule names a merged span; of equals, the first. */
function mergeSpans(findings: readonly Finding[]): RedactedSpan[] {
  const spans = findings
    .map(({ span: [start, end], rule, severity }) => ({
      start,
      end,
      rule,
      rank: SEVERITIES.indexOf(severity),
    }))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: RedactedSpan[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) {
      merged.push(span);
      continue;
    }
    const worse = span.rank > last.rank ? span : last;
    const end = Math.max(last.end, span.end);
    merged[merged.length - 1] = { start: last.start, end, rule: worse.rule, rank: worse.rank };
  }
  return merged;
}
