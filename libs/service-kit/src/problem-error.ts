import { createProblem, type Problem, type ProblemCode, type ProblemFields } from "@claws/contracts";

/** The one throwable of our HTTP layers: carries the problem document that the client will read. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(`${problem.code}: ${problem.detail}`, options);
    this.problem = problem;
  }

  static of(code: ProblemCode, fields: ProblemFields, options?: ErrorOptions): ProblemError {
    return new ProblemError(createProblem(code, fields), options);
  }
}
