import { createRuleDetector, type DetectionRule } from "../detection-rule.ts";
import type { Detector } from "../detector.ts";
import { measureEntropy } from "../entropy.ts";
import { isPlaceholder } from "../placeholder.ts";

const FACTS = { category: "secret", severity: "high", confidence: 0.7 } as const;

/** Words are not random and numbers are counters: a secret mixes classes of characters. */
function isSecretValue(value: string): boolean {
  const classes = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((pattern) => pattern.test(value)).length;
  return (
    value.length >= 8 &&
    classes >= 2 &&
    /\d/.test(value) &&
    /[A-Za-z]/.test(value) &&
    measureEntropy(value) >= 2.75 &&
    !isPlaceholder(value)
  );
}

/** `password = "…"` in whatever language; the value decides, since names like `token` are everywhere. */
export const ASSIGNED_SECRET_RULE: DetectionRule = {
  ...FACTS,
  id: "assigned-secret",
  pattern:
    /(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)["'\]]{0,2}\s{0,3}(?:=>|:=|[:=])\s{0,3}["'`]?([^\s"'`,;<>{}()[\]]{8,200})/dgi,
  group: 1,
  validate: isSecretValue,
};

const SECRET_NAME =
  /(?:passw(?:or)?d|passphrase|^pwd|secret|(?:^|[_-]|access|auth|api|bearer)token|api[_-]?key|access[_-]?key|private[_-]?key)$/i;

const NAMED: typeof FACTS & { readonly id: string } = { ...FACTS, id: "named-secret" };

/** Assignments inside a text, and whole strings that stand under a JSON member of such a name. */
export function createAssignedSecretDetector(): Detector {
  const inText = createRuleDetector([ASSIGNED_SECRET_RULE]);
  return {
    detect(text, name) {
      const matches = inText.detect(text, name);
      if (name !== undefined && SECRET_NAME.test(name) && text.length <= 200 && isSecretValue(text)) {
        matches.push({ rule: NAMED, start: 0, end: text.length, decodedBy: [] });
      }
      return matches;
    },
  };
}
