import { createProblem, type Problem, type ProblemCode } from "@claws/contracts";
import type { CallOptions, ServiceClient } from "@claws/service-kit";

/** What a neighbour says to one request: a value of the schema asked for, or a problem. */
export type FakeAnswer = (request: CallOptions) => unknown;

export interface FakeService extends ServiceClient {
  readonly requests: CallOptions[];
  /** Says it from now on. */
  answer: FakeAnswer;
}

class Refusal {
  readonly problem: Problem;

  constructor(problem: Problem) {
    this.problem = problem;
  }
}

/** What a test's neighbour returns to refuse. */
export function refuse(code: ProblemCode, service = "neighbour"): Refusal {
  return new Refusal(createProblem(code, { service, detail: "because a test says so" }));
}

export const DOWN: FakeAnswer = () => refuse("service_unavailable");

/** A neighbour in memory, held to the same schemas as a real one. */
export function createFakeService(answer: FakeAnswer): FakeService {
  const requests: CallOptions[] = [];
  const fake: FakeService = {
    requests,
    answer,
    async call(schema, request) {
      requests.push(request);
      const said = await fake.answer(request);
      if (said instanceof Refusal) return { ok: false, problem: said.problem };
      const value = schema.safeParse(said);
      if (value.success) return { ok: true, value: value.data };
      return { ok: false, problem: refuse("service_unavailable").problem };
    },
    isReachable: async () => true,
    close: async () => undefined,
  };
  return fake;
}
