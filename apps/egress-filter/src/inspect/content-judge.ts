import type { DlpAction, DlpActions, Finding } from "@claws/contracts";
import { type DetectorSet, scanContent } from "@claws/detect";

/** Where a finding stands in an exchange. */
export type ContentPlace = "target" | "headers" | "body";

/** What was found and what the profile does about it; the content itself is nowhere in it. */
export interface ContentFinding {
  readonly direction: "egress-requests" | "egress-responses";
  readonly place: ContentPlace;
  readonly rule: string;
  readonly category: Finding["category"];
  readonly severity: Finding["severity"];
  readonly evidence: string;
  readonly decodedBy: readonly string[];
  readonly action: Exclude<DlpAction, "allow">;
}

/** Judges text against one direction's actions. */
export interface ContentJudge {
  /** Whether any finding could stop content, so that it must wait for its verdict. */
  readonly canBlock: boolean;
  /** Whether there is anything to look for at all. */
  readonly isIdle: boolean;
  /** Findings that end after the first `seen` characters, which an earlier window has shown already. */
  judge(text: string, place: ContentPlace, seen?: number): ContentFinding[];
  /** What is found in the way that content comes rather than in it. */
  judgeForm(fault: FormFault): ContentFinding;
}

export type FormFault = "unreadable-encoding" | "broken-encoding" | "decompression-bomb" | "credential-echo";

export interface ContentJudgeOptions {
  readonly direction: ContentFinding["direction"];
  readonly actions: DlpActions;
  readonly detectors: DetectorSet;
}

export function createContentJudge({ direction, actions, detectors }: ContentJudgeOptions): ContentJudge {
  const used = Object.values(actions);
  const canBlock = used.some(isStopping);

  function judge(text: string, place: ContentPlace, seen = 0): ContentFinding[] {
    const found = scanContent(text, detectors).filter(({ span }) => span[1] > seen);
    for (const variant of variantsOf(text)) {
      const known = new Set(found.map(({ rule }) => rule));
      found.push(...scanContent(variant, detectors).filter(({ rule }) => !known.has(rule)));
    }
    return found.flatMap(({ rule, category, severity, evidence, decodedBy }) => {
      const action = actionOn(actions[category]);
      if (action === undefined) return [];
      return [{ direction, place, rule, category, severity, evidence, decodedBy, action }];
    });
  }

  function judgeForm(fault: FormFault): ContentFinding {
    const isCertain = fault === "decompression-bomb" || fault === "credential-echo";
    // What cannot be read to its end may hold anything, and so gets the strictest of the actions; a coding that
    // is merely not known here is common and honest, and gets the one for what could not be looked into.
    const strictest = canBlock ? "block" : "flag";
    const other = fault === "broken-encoding" ? strictest : (actionOn(actions.size) ?? "flag");
    return {
      direction,
      place: "body",
      rule: fault,
      category: fault === "credential-echo" ? "secret" : "size",
      severity: isCertain ? "critical" : "medium",
      evidence: "***",
      decodedBy: [],
      action: isCertain ? "block" : other,
    };
  }

  return { canBlock, isIdle: used.every((action) => action === "allow"), judge, judgeForm };
}

/** A part of a stream cannot be replaced without changing its length and its coding: what would be redacted is blocked. */
function actionOn(action: DlpAction): ContentFinding["action"] | undefined {
  return action === "allow" ? undefined : isStopping(action) ? "block" : action;
}

function isStopping(action: DlpAction): boolean {
  return action === "block" || action === "redact";
}

const JSON_ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|(["\\/]))/g;

/** The same text without what hides it from a pattern: JSON's escapes (RFC 8259 section 7), UTF-16's zero bytes. */
function variantsOf(text: string): string[] {
  const variants: string[] = [];
  if (/\\[u/]/.test(text)) {
    variants.push(
      text.replace(JSON_ESCAPE, (_, code: string | undefined, plain: string | undefined) =>
        code === undefined ? (plain ?? "") : String.fromCharCode(Number.parseInt(code, 16)),
      ),
    );
  }
  if (text.includes("\0")) variants.push(text.replaceAll("\0", ""));
  return variants;
}
