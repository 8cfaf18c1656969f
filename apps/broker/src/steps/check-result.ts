import { createProblem, type JsonValue, ScanVerdict } from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import { type CallOutcome, refused, type ToolResult } from "../call-outcome.ts";
import type { PreparedCall } from "../gate.ts";

const MAX_RESULT_CHARACTERS = 4_000_000;

/** Looks at a result before the agent does. No scanner, no result: what was not read is not passed on. */
export function createResultCheck(scanner: ServiceClient) {
  return async function checkResult({ call }: PreparedCall, result: ToolResult): Promise<CallOutcome> {
    const { failed, ...content } = result;
    const size = JSON.stringify(content).length;
    if (size > MAX_RESULT_CHARACTERS) {
      const detail = `${call.tool}: the result has ${size} characters, ${MAX_RESULT_CHARACTERS} are passed on at most`;
      return refused(createProblem("result_too_large", { service: "broker", detail }));
    }
    const answer = await scanner.call(ScanVerdict, {
      method: "POST",
      path: "/v1/scans",
      body: { direction: "results", content },
      timeoutMs: 5_000,
    });
    if (!answer.ok) return refused(answer.problem);
    const verdict = answer.value;
    switch (verdict.action) {
      case "allow":
        return { kind: "result", result };
      case "redact":
        return { kind: "result", result: { ...readRedacted(verdict.content), failed } };
      case "block":
        return refused(
          createProblem("dlp_blocked", {
            service: "dlp-scanner",
            detail: `${call.tool}: the result at ${verdict.path || "/"} was blocked by rule ${verdict.rule}`,
            rule: verdict.rule,
            key: "dlp.results",
          }),
        );
    }
  };
}

/** Redaction replaces text inside strings only, so the shape is the one that was sent. */
function readRedacted(content: JsonValue): Omit<ToolResult, "failed"> {
  return content as unknown as Omit<ToolResult, "failed">;
}
