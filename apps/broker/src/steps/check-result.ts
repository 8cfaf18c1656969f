import { createProblem, JsonObject, JsonValue, type Problem, ScanVerdict } from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import * as z from "zod";
import { type CallOutcome, refused, type ToolResult } from "../call-outcome.ts";
import type { PreparedCall } from "../gate.ts";

const MAX_RESULT_CHARACTERS = 4_000_000;

/** Redaction replaces text inside strings only, so the shape is the one that was sent. */
const RedactedResult = z.looseObject({
  content: z.array(JsonValue),
  structuredContent: JsonObject.exactOptional(),
});

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
    if (!answer.ok) return refused(withheld(call.tool, answer.problem));
    const verdict = answer.value;
    switch (verdict.action) {
      case "allow":
        return { kind: "result", result };
      case "redact": {
        const redacted = RedactedResult.safeParse(verdict.content);
        if (redacted.success) return { kind: "result", result: { ...redacted.data, failed } };
        const detail = "dlp-scanner gave back something else than a result";
        return refused(
          withheld(call.tool, createProblem("service_unavailable", { service: "dlp-scanner", detail })),
        );
      }
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

/** The call did run: an agent that is told to retry would run it twice. */
function withheld(tool: string, { code, service, detail }: Problem): Problem {
  return createProblem(code, {
    service,
    detail: `${tool} ran, but its result is withheld (${detail}): send it again only if running twice does no harm`,
  });
}
