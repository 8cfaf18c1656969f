export { createDefaultDetectors } from "./default-detectors.ts";
export { createRuleDetector, type DetectionRule } from "./detection-rule.ts";
export type { Detector, DetectorSet, Match, RuleFacts } from "./detector.ts";
export { createKnownSecretDetector } from "./known-secret.ts";
export { redactFindings } from "./redact-findings.ts";
export { scanContent } from "./scan-content.ts";
