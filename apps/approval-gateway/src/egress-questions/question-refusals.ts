import type { ProblemCode } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import { SERVICE } from "../refusals.ts";
import type { QuestionRefusal, QuestionStep } from "./question-scripts.ts";
import type { StoredQuestion } from "./stored-question.ts";

const REFUSALS: Readonly<Record<QuestionRefusal, readonly [code: ProblemCode, detail: string]>> = {
  not_found: ["not_found", "there is no such question, or it ended more than seven days ago"],
  mismatch: ["approval_invalid", "the question is about another host or port: read it again"],
  expired: ["approval_expired", "nobody answered in time, which is no: wait until it is asked again"],
  decided: ["approval_invalid", "this question was answered before: reload the list"],
  full: ["rate_limited", "as many questions as may be are open already: wait for their answers"],
};

export function refusalOfQuestion(reason: QuestionRefusal): ProblemError {
  const [code, detail] = REFUSALS[reason];
  return ProblemError.of(code, {
    service: SERVICE,
    detail,
    ...(reason === "full" ? { key: "egress.ask.maxOpen" } : {}),
  });
}

/** The question after a step that cannot end as `free`, or the refusal thrown. */
export function readStepOrRefuse(step: QuestionStep): StoredQuestion {
  if (step.outcome === "ok") return step.stored;
  if (step.outcome === "refused") throw refusalOfQuestion(step.reason);
  throw new Error("a step that acts was only checked");
}
