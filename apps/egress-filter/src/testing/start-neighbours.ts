import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import {
  AuditBatch,
  type AuditEvent,
  type EgressGrant,
  EgressTake,
  type EgressQuestion,
  EgressQuestionRequest,
} from "@claws/contracts";
import { close, listen, mutualTlsOptions, type ServiceIdentity } from "@claws/service-kit";

/** What the neighbours say in a test; each may be changed while they run. */
export interface Neighbours {
  /** What rate-limiter grants; everything, unless a test says otherwise. */
  grant: (take: EgressTake) => EgressGrant;
  /** What a person answers to a question, at once. */
  answer: EgressQuestion["state"];
  verification: "pending" | "passed" | "failed";
  /** Whether the auditor takes anything. */
  isAuditorAway: boolean;
  readonly questions: EgressQuestionRequest[];
  /** What the auditor was given, in order. */
  readonly events: AuditEvent[];
}

export interface RunningNeighbours extends Neighbours {
  readonly port: number;
  stop(): Promise<void>;
}

const grantAll = ({ requests, upBytes, downBytes }: EgressTake): EgressGrant => ({
  requests,
  upBytes,
  downBytes,
  refused: [],
});

/** Auditor, rate-limiter, approval-gateway and broker as egress-filter sees them, behind one real mutual-TLS listener. */
export async function startNeighbours(identity: ServiceIdentity): Promise<RunningNeighbours> {
  const state: Neighbours = {
    grant: grantAll,
    answer: "expired",
    verification: "passed",
    isAuditorAway: false,
    questions: [],
    events: [],
  };
  const server = createServer(mutualTlsOptions(identity), (request, response) => {
    readBody(request).then(
      (body) => {
        const answer = answerTo(state, request.url ?? "", body);
        return response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}));
      },
      () => response.writeHead(400).end("{}"),
    );
  });
  const port = await listen(server, 0, "127.0.0.1");
  return Object.assign(state, {
    port,
    stop: async () => {
      server.closeAllConnections();
      await close(server, 0);
    },
  });
}

function answerTo(state: Neighbours, url: string, body: unknown): unknown {
  const [path = ""] = url.split("?");
  switch (path) {
    case "/v1/batches": {
      if (state.isAuditorAway) return undefined;
      const { first, events } = AuditBatch.parse(body);
      state.events.push(...events);
      return { through: first + events.length - 1 };
    }
    case "/v1/egress/take":
      return state.grant(EgressTake.parse(body));
    case "/v1/egress/return":
      return {};
    case "/v1/egress/grants":
      return { grants: [] };
    case "/v1/verification":
      return { state: state.verification, at: new Date().toISOString(), holes: [] };
    case "/v1/egress/questions":
      state.questions.push(EgressQuestionRequest.parse(body));
      return questionOf(state, EgressQuestionRequest.parse(body));
    default: {
      const asked = path.startsWith("/v1/egress/questions/") ? state.questions.at(-1) : undefined;
      return asked && questionOf(state, asked);
    }
  }
}

const QUESTION_ID = "3f2c8a44-6a55-4c57-9f3e-0c6f2b7f1a11";

function questionOf({ answer }: Neighbours, asked: EgressQuestionRequest): EgressQuestion {
  const { caller, host, port, method, rule } = asked;
  const by = answer === "open" || answer === "expired" ? {} : { by: "op" };
  return {
    id: QUESTION_ID,
    caller,
    host,
    port,
    method,
    rule,
    askedAt: 1,
    expiresAt: 2,
    state: answer,
    ...by,
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : JSON.parse(text);
}
