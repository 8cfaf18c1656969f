import type { Problem } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import type { CallAudit } from "../call-audit.ts";
import { refused } from "../call-outcome.ts";
import type { Face } from "../faces/rest-face.ts";

/** Keeps the tool door closed, on both faces, for as long as there is a refusal; refused calls are recorded. */
export function guardFace<Guarded extends Pick<Face, "listTools" | "run">>(
  face: Guarded,
  refusal: () => Problem | undefined,
  audit: Pick<CallAudit, "recordRefusal">,
): Guarded {
  return {
    ...face,
    async run(request) {
      const problem = refusal();
      if (problem === undefined) return face.run(request);
      await audit.recordRefusal({ ...request.identity, tool: request.tool }, problem);
      return refused(problem);
    },
    async listTools(agent) {
      const problem = refusal();
      if (problem !== undefined) throw new ProblemError(problem);
      return face.listTools(agent);
    },
  };
}
