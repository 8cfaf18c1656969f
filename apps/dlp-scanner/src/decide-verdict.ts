import type { DlpAction, DlpActions, Finding, JsonValue, ScanVerdict } from "@claws/contracts";
import { redactFindings } from "@claws/detect";
import { hideNames } from "./hide-names.ts";

/** A verdict lists this many findings; what is redacted or blocked does not depend on the list. */
const MOST_LISTED = 500;

const SEVERITIES: readonly Finding["severity"][] = ["low", "medium", "high", "critical"];

/**
 * The strictest action among the findings decides: block, else redact, else allow with what is flagged.
 * A finding whose category the profile allows is dropped.
 */
export function decideVerdict(
  content: JsonValue,
  findings: readonly Finding[],
  actions: DlpActions,
): ScanVerdict {
  const having = (action: DlpAction) => (finding: Finding) => actions[finding.category] === action;
  const kept = findings.filter(({ category }) => actions[category] !== "allow");
  const reported = hideNames(kept);
  const listed = reported.slice(0, MOST_LISTED);

  const [blocking] = reported
    .filter(having("block"))
    .sort((a, b) => rankOf(b) - rankOf(a) || b.confidence - a.confidence);
  if (blocking) return { action: "block", findings: listed, rule: blocking.rule, path: blocking.path };

  const redacted = kept.filter(having("redact"));
  return redacted.length > 0
    ? { action: "redact", findings: listed, content: redactFindings(content, redacted) }
    : { action: "allow", findings: listed };
}

function rankOf({ severity }: Finding): number {
  return SEVERITIES.indexOf(severity);
}
