import {
  type ArgumentConstraint,
  type CompiledPolicy,
  MicroUsd,
  type Risk,
  type ToolName,
} from "@claws/contracts";
import { matchesTool } from "./tool-pattern.ts";

/** Risk of tools that people know by name, where the profile says nothing. */
const WELL_KNOWN_RISKS: readonly (readonly [pattern: string, risk: Risk])[] = [
  ["send_email", "HIGH"],
  ["execute_code", "CRITICAL"],
  ["shell_command", "CRITICAL"],
  ["file_delete", "HIGH"],
  ["database_write", "MEDIUM"],
  ["database_delete", "CRITICAL"],
];

const DEFAULT_DEADLINE_MS = 30_000;

/** Everything the profile says of one tool, several matching rules taken together. */
export interface ToolTerms {
  readonly risk: Risk;
  /** Where the risk comes from, for the person who must approve. */
  readonly riskRule: string;
  readonly constraints: readonly {
    readonly argument: string;
    readonly constraint: ArgumentConstraint;
    readonly key: string;
  }[];
  readonly priceMicroUsd: MicroUsd;
  readonly deadlineMs: number;
}

/**
 * The first matching rule that speaks of risk, price or deadline wins; constraints of all matching
 * rules hold together. A tool that no rule and no well-known name covers has the profile's default risk.
 */
export function readToolTerms(policy: Pick<CompiledPolicy, "tools">, tool: ToolName): ToolTerms {
  const matching = policy.tools.rules
    .map((rule, index) => ({ rule, key: `tools.rules[${index}]` }))
    .filter(({ rule }) => matchesTool(rule.match, tool));
  const withRisk = matching.find(({ rule }) => rule.risk !== undefined);
  const wellKnown = WELL_KNOWN_RISKS.find(([pattern]) => matchesTool(pattern, tool));
  return {
    risk: withRisk?.rule.risk ?? wellKnown?.[1] ?? policy.tools.defaultRisk,
    riskRule: withRisk
      ? `${withRisk.key} (${withRisk.rule.match})`
      : wellKnown
        ? `well-known tool ${wellKnown[0]}`
        : "tools.defaultRisk",
    constraints: matching.flatMap(({ rule, key }) =>
      Object.entries(rule.constraints ?? {}).map(([argument, constraint]) => ({
        argument,
        constraint,
        key: `${key}.constraints.${argument}`,
      })),
    ),
    priceMicroUsd:
      matching.find(({ rule }) => rule.priceMicroUsd !== undefined)?.rule.priceMicroUsd ?? MicroUsd.parse(0),
    deadlineMs:
      matching.find(({ rule }) => rule.deadlineMs !== undefined)?.rule.deadlineMs ?? DEFAULT_DEADLINE_MS,
  };
}
