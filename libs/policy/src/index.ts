export { type ConstraintViolation, findConstraintViolation } from "./argument-constraints.ts";
export { type Compilation, compileProfile } from "./compile-profile.ts";
export type {
  EgressDecision,
  EgressDenial,
  EgressPermit,
  EgressQuery,
  EgressThrough,
} from "./egress-decision.ts";
export { type EgressRemark, lintEgressRules, type LintContext } from "./egress-lint.ts";
export { createEgressRules, type EgressRuleList, type EgressRules } from "./egress-rules.ts";
export { type EgressExplanation, type ExplainOptions, explainEgress } from "./explain-egress.ts";
export { matchesHost, readHostPattern } from "./host-pattern.ts";
export { type PathReading, readPath } from "./read-path.ts";
export {
  type EgressProposal,
  type ObservedDestination,
  type ProfileFile,
  type ProposedRule,
  proposeRules,
} from "./learn-egress.ts";
export { readUsd } from "./money.ts";
export { createProfileJsonSchema } from "./profile-json-schema.ts";
export type { ProfileMistake } from "./profile-mistake.ts";
export type { ProfileOverrides } from "./profile-overrides.ts";
export { ProfileSource, readHostAndPort } from "./profile-schema.ts";
export { type RuleHolder, ruleListOf } from "./rule-list.ts";
export { isAddressLiteral, isSpecialName } from "./special-name.ts";
export { matchesTool } from "./tool-pattern.ts";
export { decideToolScope, type ScopeDecision } from "./tool-scope.ts";
export { readToolTerms, type ToolTerms } from "./tool-terms.ts";
