import type { Finding, JsonValue } from "@claws/contracts";
import { type DecodingBudget, decodeOnce } from "./decode.ts";
import type { DetectorSet, Match, RuleFacts } from "./detector.ts";
import { maskEvidence } from "./mask-evidence.ts";
import { type StringPlace, walkStrings } from "./walk-strings.ts";

const DECODING_BUDGET = 4 * 1024 * 1024;

/** What could not be looked into is reported, so that a policy can refuse it. */
const UNDECODED: RuleFacts = { id: "decoding-budget", category: "size", severity: "medium", confidence: 1 };

/** Scans every string of a JSON value. The same content and detectors give the same findings in the same order. */
export function scanContent(
  content: JsonValue,
  detectors: DetectorSet,
  decodingBudget = DECODING_BUDGET,
): Finding[] {
  const budget: DecodingBudget = { left: decodingBudget };
  const findings: Finding[] = [];
  walkStrings(content, (place) => {
    for (const finding of scanString(place, detectors, budget)) findings.push(finding);
  });
  return findings;
}

function scanString(place: StringPlace, detectors: DetectorSet, budget: DecodingBudget): Finding[] {
  const { text, path, name } = place;
  const plain = detectors.flatMap(({ detect }) => detect(text, name));
  const findings = plain.map((match) => createFinding(path, text, match));

  const { spans, isPartial } = decodeOnce(text, budget);
  for (const span of spans) {
    const seen = rulesWithin(plain, span);
    for (const match of detectors.flatMap(({ detect }) => detect(span.text, name))) {
      if (seen.has(match.rule.id)) continue;
      findings.push({
        ...createFinding(path, span.text, match),
        span: [span.start, span.end],
        decodedBy: [span.encoding, ...match.decodedBy],
      });
    }
  }
  if (isPartial) {
    findings.push(createFinding(path, text, { rule: UNDECODED, start: 0, end: text.length, decodedBy: [] }));
  }
  return findings.sort((a, b) => a.span[0] - b.span[0] || b.span[1] - a.span[1]);
}

/** Comparing every match with every span would be quadratic: beyond this many, some findings come twice. */
const MOST_COMPARED = 1_000;

/** What already shows in a partly encoded text need not be found again in its decoded form. */
function rulesWithin(plain: readonly Match[], span: { start: number; end: number }): ReadonlySet<string> {
  if (plain.length > MOST_COMPARED) return new Set();
  const overlapping = plain.filter(({ start, end }) => start < span.end && end > span.start);
  return new Set(overlapping.map(({ rule }) => rule.id));
}

function createFinding(path: string, text: string, { rule, start, end, decodedBy }: Match): Finding {
  return {
    rule: rule.id,
    category: rule.category,
    severity: rule.severity,
    confidence: rule.confidence,
    path,
    span: [start, end],
    evidence: maskEvidence(text.slice(start, end)),
    decodedBy: [...decodedBy],
  };
}
