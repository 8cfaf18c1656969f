import { type JsonValue, type ScanDirection, ScanVerdict } from "@claws/contracts";
import { ProblemError, type ServiceClient } from "@claws/service-kit";
import { refuse } from "./refuse.ts";

export interface Screened {
  /** The content to go on with: as it was, or with findings taken out. */
  readonly content: JsonValue;
  readonly isChanged: boolean;
  readonly flaggedRules: readonly string[];
}

export type ContentScreen = (
  direction: Extract<ScanDirection, "model-requests" | "model-responses">,
  content: JsonValue,
) => Promise<Screened>;

/** A scan takes longer than other questions: it reads the whole conversation. */
const TIMEOUT_MS = 15_000;

/** Asks dlp-scanner. No verdict is a refusal. */
export function createContentScreen(scanner: ServiceClient): ContentScreen {
  return async function screenContent(direction, content) {
    const answer = await scanner.call(ScanVerdict, {
      method: "POST",
      path: "/v1/scans",
      body: { direction, content },
      timeoutMs: TIMEOUT_MS,
    });
    if (!answer.ok) {
      // Also where the scanner itself failed: to the agent, it is a part of the stack that did not agree.
      if (answer.problem.code === "service_unavailable") throw new ProblemError(answer.problem);
      throw refuse("service_unavailable", `dlp-scanner could not scan the content: ${answer.problem.detail}`);
    }
    const verdict = answer.value;
    const flaggedRules = [...new Set(verdict.findings.map(({ rule }) => rule))];
    switch (verdict.action) {
      case "allow":
        return { content, isChanged: false, flaggedRules };
      case "redact":
        return { content: verdict.content, isChanged: true, flaggedRules };
      case "block":
        throw refuse(
          "dlp_blocked",
          `rule '${verdict.rule}' found something at '${verdict.path}' (${direction}): take it out, or change dlp.${direction} in the profile`,
          { rule: verdict.rule, key: `dlp.${direction}` },
        );
    }
  };
}
