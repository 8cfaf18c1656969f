import { createRuleDetector } from "./detection-rule.ts";
import type { DetectorSet } from "./detector.ts";
import { createAssignedSecretDetector } from "./rules/assigned-secrets.ts";
import { EXFILTRATION_RULES } from "./rules/exfiltration.ts";
import { INJECTION_RULES } from "./rules/injection.ts";
import { PII_RULES } from "./rules/pii.ts";
import { SECRET_RULES } from "./rules/secrets.ts";
import { createSizeDetector } from "./rules/size.ts";

/** Every family, in the order in which findings of one place are listed. */
export function createDefaultDetectors(): DetectorSet {
  return [
    createRuleDetector(SECRET_RULES),
    createAssignedSecretDetector(),
    createRuleDetector(PII_RULES),
    createRuleDetector(EXFILTRATION_RULES),
    createRuleDetector(INJECTION_RULES),
    createSizeDetector(),
  ];
}
