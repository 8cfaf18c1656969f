import type { ApprovalStatus, JsonValue, Problem } from "@claws/contracts";

/** What a server answered: MCP content, kept opaque but scanned. `failed` is MCP's `isError`. */
export interface ToolResult {
  readonly content: JsonValue[];
  readonly structuredContent?: Record<string, JsonValue>;
  readonly failed: boolean;
}

/** How a call ended for the agent, the same for both faces. */
export type CallOutcome =
  | { readonly kind: "result"; readonly result: ToolResult }
  | { readonly kind: "refused"; readonly problem: Problem }
  | { readonly kind: "pending"; readonly approval: ApprovalStatus };

export const refused = (problem: Problem): CallOutcome => ({ kind: "refused", problem });
