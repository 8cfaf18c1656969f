import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import { createProblem, type EgressQuestion, EgressQuestionRequest } from "@claws/contracts";
import { close, listen, mutualTlsOptions, sendProblem, type ServiceIdentity } from "@claws/service-kit";

interface Grant {
  readonly caller: string;
  readonly session: string;
  readonly host: string;
  readonly port: number;
  readonly by: string;
  readonly at: number;
  readonly until: number;
}

/** A stand-in for approval-gateway behind real mutual TLS, that keeps questions in memory. */
export async function startGateway(identity: ServiceIdentity) {
  const asked: EgressQuestionRequest[] = [];
  const questions = new Map<string, EgressQuestion>();
  const waiting = new Map<string, ServerResponse[]>();
  const gateway = {
    port: 0,
    asked,
    grants: [] as Grant[],
    /** Answers every new question with this, at once. */
    standing: undefined as EgressQuestion["state"] | undefined,
    mostOpen: 100,
    polls: 0,
    /** The question about this host, once it was asked. */
    async questionOf(host: string): Promise<EgressQuestion> {
      for (;;) {
        const found = [...questions.values()].findLast((question) => question.host === host);
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async answer(host: string, state: EgressQuestion["state"]): Promise<void> {
      const question = await gateway.questionOf(host);
      questions.set(question.id, { ...question, state, by: "owner" });
      for (const response of waiting.get(question.id) ?? [])
        response.end(JSON.stringify(questions.get(question.id)));
      waiting.delete(question.id);
    },
    stop: async () => {
      server.closeAllConnections();
      await close(server, 0);
    },
  };
  const server = createServer(mutualTlsOptions(identity), (request, response) => {
    const url = new URL(request.url ?? "", "https://gateway");
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (url.pathname === "/v1/egress/grants")
        return void response.end(JSON.stringify({ grants: gateway.grants }));
      if (request.method === "POST") return pose(Buffer.concat(chunks).toString(), response);
      gateway.polls++;
      const id = url.pathname.split("/").at(-1) ?? "";
      const question = questions.get(id);
      if (question?.state !== "open") return void response.end(JSON.stringify(question));
      waiting.set(id, [...(waiting.get(id) ?? []), response]);
      setTimeout(
        () => {
          if (!response.writableEnded) response.end(JSON.stringify(questions.get(id)));
        },
        Number(url.searchParams.get("waitMs")),
      ).unref();
    });
  });

  function pose(body: string, response: ServerResponse): void {
    const wanted = EgressQuestionRequest.parse(JSON.parse(body));
    asked.push(wanted);
    const open = [...questions.values()].filter(({ state }) => state === "open");
    if (open.length >= gateway.mostOpen) {
      const detail = "as many as may be are open";
      return sendProblem(response, createProblem("rate_limited", { service: "approval-gateway", detail }));
    }
    const { expireAfterSeconds, maxOpen: _maxOpen, ...rest } = wanted;
    const askedAt = Date.now();
    const question: EgressQuestion = {
      ...rest,
      id: randomUUID(),
      askedAt,
      expiresAt: askedAt + expireAfterSeconds * 1_000,
      state: gateway.standing ?? "open",
    };
    questions.set(question.id, question);
    response.writeHead(201).end(JSON.stringify(question));
  }

  gateway.port = await listen(server, 0, "127.0.0.1");
  return gateway;
}
