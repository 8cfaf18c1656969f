import { createProblem, type Problem } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import { EngineError } from "./engine.ts";

/** The refusal as the caller reads it; what exactly the engine said is for the log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof EngineError) {
    return createProblem("server_unavailable", {
      service: "launcher",
      detail: error.summary,
      retryAfterMs: 1_000,
    });
  }
  return createProblem("internal", { service: "launcher", detail: "see the log of launcher" });
}
