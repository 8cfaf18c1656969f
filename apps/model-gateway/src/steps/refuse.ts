import type { ProblemCode, ProblemFields } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";

/** A refusal of this service; the detail says what to do about it. */
export function refuse(
  code: ProblemCode,
  detail: string,
  fields: Omit<ProblemFields, "service" | "detail"> = {},
): ProblemError {
  return ProblemError.of(code, { service: "model-gateway", detail, ...fields });
}
