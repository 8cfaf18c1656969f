import { createProblem, JsonObject, ScanVerdict } from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import { ALLOW, deny, type Gate } from "../gate.ts";

/** dlp-scanner reads the arguments: pass, redact (a new call), or block. No scanner, no call. */
export function createGuardrailsGate(scanner: ServiceClient): Gate {
  return {
    name: "guardrails",
    async decide({ call }, journey) {
      const answer = await scanner.call(ScanVerdict, {
        method: "POST",
        path: "/v1/scans",
        body: { direction: "arguments", content: call.arguments },
      });
      if (!answer.ok) return deny(answer.problem);
      const verdict = answer.value;
      journey.flagged.push(...verdict.findings.map(({ rule }) => rule));
      switch (verdict.action) {
        case "allow":
          return ALLOW;
        case "redact": {
          const redacted = JsonObject.safeParse(verdict.content);
          if (redacted.success) return { verdict: "replace", arguments: redacted.data };
          const detail = "dlp-scanner gave back something else than arguments: see its log";
          return deny(createProblem("service_unavailable", { service: "dlp-scanner", detail }));
        }
        case "block":
          return deny(
            createProblem("dlp_blocked", {
              service: "dlp-scanner",
              detail: `${call.tool}: the argument at ${verdict.path || "/"} was blocked by rule ${verdict.rule}`,
              rule: verdict.rule,
              key: "dlp.arguments",
            }),
          );
      }
    },
  };
}
