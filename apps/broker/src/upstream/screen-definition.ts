import { ScanVerdict } from "@claws/contracts";
import { ProblemError, type ServiceClient } from "@claws/service-kit";
import type { Tool } from "@modelcontextprotocol/client";

/** Undefined when a tool may be shown to an agent; else the rule that speaks against it. */
export type ScreenDefinition = (declared: Tool) => Promise<string | undefined>;

/**
 * A tool's description is read by the model before anything is called (tool poisoning, OWASP MCP03), so it is
 * scanned as a result is. What would be redacted in a result cannot be in a definition, which is pinned by
 * its hash: it is left out. Throws ProblemError when nobody can look.
 */
export function createScreenDefinition(scanner: ServiceClient): ScreenDefinition {
  return async ({ _meta, ...declared }) => {
    const answer = await scanner.call(ScanVerdict, {
      method: "POST",
      path: "/v1/scans",
      body: { direction: "results", content: declared },
    });
    if (!answer.ok) throw new ProblemError(answer.problem);
    const { action, findings } = answer.value;
    if (action === "allow") return undefined;
    return action === "block" ? answer.value.rule : (findings[0]?.rule ?? "redaction");
  };
}
