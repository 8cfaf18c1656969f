import { randomUUID } from "node:crypto";
import {
  EgressOverlay,
  EgressQuestion,
  EgressQuestionRequest,
  Problem,
  type ServiceName,
} from "@claws/contracts";
import { createServiceClient } from "@claws/service-kit";
import * as z from "zod";
import type { createOperatorClient } from "../../testing/gateway-clients.ts";
import type { TestGateway } from "../../testing/start-gateway.ts";

const Grants = z.object({ grants: z.array(z.looseObject({ host: z.string(), session: z.string() })) });

/** A question that no other test asked: its session, and by default its agent, is new. */
export function createTestQuestion(change: Record<string, unknown> = {}): EgressQuestionRequest {
  return EgressQuestionRequest.parse({
    caller: { kind: "agent", agent: `a${randomUUID().slice(0, 8)}`, session: randomUUID() },
    host: "ask.example",
    port: 443,
    method: "CONNECT",
    rule: "egress.rules[3]",
    expireAfterSeconds: 30,
    maxOpen: 5,
    ...change,
  });
}

/** Calls the control side as egress-filter does, or as another service. */
export async function createFilterClient(gateway: TestGateway, peer: ServiceName = "egress-filter") {
  const client = createServiceClient({
    target: "approval-gateway",
    host: "localhost",
    port: gateway.brokerPort(),
    identity: await gateway.identityOf(peer),
  });
  const ask = (body: unknown) =>
    client.call(EgressQuestion, { method: "POST", path: "/v1/egress/questions", body, timeoutMs: 10_000 });
  return {
    ask,
    /** Asks, and gives the open question; fails where it was refused. */
    async open(request: EgressQuestionRequest = createTestQuestion()): Promise<EgressQuestion> {
      const answer = await ask(request);
      if (!answer.ok) throw new Error(answer.problem.detail);
      return answer.value;
    },
    read: (id: string, waitMs = 0) =>
      client.call(EgressQuestion, {
        method: "GET",
        path: `/v1/egress/questions/${id}?waitMs=${waitMs}`,
        timeoutMs: waitMs + 10_000,
      }),
    async grants() {
      const answer = await client.call(Grants, { method: "GET", path: "/v1/egress/grants" });
      if (!answer.ok) throw new Error(answer.problem.detail);
      return answer.value.grants;
    },
    close: () => client.close(),
  };
}

type Operator = Awaited<ReturnType<typeof createOperatorClient>>;

/** The question's state after the answer, or the code of the refusal. */
export async function answerQuestion(
  operator: Operator,
  { id, host, port }: Pick<EgressQuestion, "id" | "host" | "port">,
  answer: string,
): Promise<string> {
  const sent = await operator.send("POST", `/api/egress/questions/${id}/answer`, { answer, host, port });
  return sent.status === 200 ? EgressQuestion.parse(sent.body).state : Problem.parse(sent.body).code;
}

export async function listQuestions(operator: Operator, state: "open" | "all"): Promise<EgressQuestion[]> {
  const { body } = await operator.send("GET", `/api/egress/questions?state=${state}`);
  return z.object({ questions: z.array(EgressQuestion) }).parse(body).questions;
}

export async function readOverlay(operator: Operator): Promise<EgressOverlay["rules"]> {
  const { body } = await operator.send("GET", "/api/egress/overlay");
  return EgressOverlay.parse(body).rules;
}
