import { ProblemError } from "@claws/service-kit";
import type { ErrorRequestHandler } from "express";

/** Clients of both APIs look for `error.message`: a problem document may carry it as well (RFC 9457, section 3.2). */
export const addSdkError: ErrorRequestHandler = (error: unknown, _request, _response, next) => {
  if (!(error instanceof ProblemError)) return next(error);
  const { problem } = error;
  const sdkError = { type: problem.code, message: `${problem.title}: ${problem.detail}`, code: problem.code };
  next(new ProblemError({ ...problem, error: sdkError }, { cause: error }));
};
