import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import {
  Approval,
  type ApprovalRequest,
  ApprovalStatus,
  ConsumedApproval,
  Problem,
  type ServiceName,
} from "@claws/contracts";
import { createServiceClient } from "@claws/service-kit";
import * as z from "zod";
import type { TestGateway } from "./start-gateway.ts";

/** Calls the broker's listener as one service, for the gateway's present port. */
export async function createBrokerClient(gateway: TestGateway, peer: ServiceName = "broker") {
  const client = createServiceClient({
    target: "approval-gateway",
    host: "localhost",
    port: gateway.brokerPort(),
    identity: await gateway.identityOf(peer),
  });
  const post = <Shape extends z.ZodType>(schema: Shape, path: string, body: unknown) =>
    client.call(schema, { method: "POST", path, body, timeoutMs: 10_000 });
  return {
    request: (body: ApprovalRequest) => post(ApprovalStatus, "/v1/approvals", body),
    status: (id: string, waitMs = 0) =>
      client.call(ApprovalStatus, {
        method: "GET",
        path: `/v1/approvals/${id}?waitMs=${waitMs}`,
        timeoutMs: waitMs + 10_000,
      }),
    findOpen: (digest: string) =>
      client.call(ApprovalStatus, { method: "GET", path: `/v1/approvals/open/${digest}` }),
    consume: (id: string, { digest, call }: ApprovalRequest, change: object = {}) =>
      post(ConsumedApproval, `/v1/approvals/${id}/consume`, {
        digest,
        policyHash: call.policyHash,
        ...change,
      }),
    settle: (id: string, status: string) => post(ApprovalStatus, `/v1/approvals/${id}/outcome`, { status }),
    close: () => client.close(),
  };
}

export interface OperatorAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** Calls the operators' listener with whatever certificate and headers a test wants. */
export async function createOperatorClient(
  gateway: TestGateway,
  { peer = "front-door", operator = "owner" }: { peer?: ServiceName; operator?: string } = {},
) {
  const agent = new Agent({ ...(await gateway.identityOf(peer)), keepAlive: false });
  const who = operator === "" ? {} : { "x-claws-operator": operator };

  async function open(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const options = { agent, host: "localhost", port: gateway.operatorPort(), method, path };
    const sent = request({ ...options, headers: { ...who, ...headers }, ...(signal ? { signal } : {}) });
    sent.end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    // A stream that a test cuts off ends with an error that says no more than that.
    sent.on("error", () => undefined);
    return response;
  }

  async function send(
    method: "GET" | "POST",
    path: string,
    body?: unknown,
    extra: Record<string, string> = {},
  ): Promise<OperatorAnswer> {
    const json = body === undefined ? undefined : JSON.stringify(body);
    const type = json === undefined ? {} : { "content-type": "application/json" };
    const response = await open(method, path, { ...type, ...extra }, json);
    const content = await text(response);
    const isJson = String(response.headers["content-type"]).includes("json");
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: isJson ? JSON.parse(content) : content,
    };
  }
  return {
    send,
    async list(state: "open" | "all") {
      const { body } = await send("GET", `/api/approvals?state=${state}`);
      return z.object({ approvals: z.array(Approval) }).parse(body).approvals;
    },
    /** The approval's state after the decision, or the code of the refusal. */
    async decide(id: string, digest: string, decision: "approve" | "deny", reason?: string): Promise<string> {
      const answer = await send("POST", `/api/approvals/${id}/decision`, {
        decision,
        digest,
        ...(reason === undefined ? {} : { reason }),
      });
      return answer.status === 200 ? Approval.parse(answer.body).state : Problem.parse(answer.body).code;
    },
    /** The raw event stream. */
    events: (signal: AbortSignal, extra: Record<string, string> = {}) =>
      open("GET", "/api/events", extra, undefined, signal),
    close: () => agent.destroy(),
  };
}
