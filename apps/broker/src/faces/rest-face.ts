import { JsonObject, ToolName } from "@claws/contracts";
import { ProblemError, sendProblem } from "@claws/service-kit";
import express, { type Express, type Request } from "express";
import * as z from "zod";
import type { TokenVerifier } from "@claws/agent-token";
import type { CallOutcome } from "../call-outcome.ts";
import type { Pipeline } from "../pipeline.ts";
import type { ListTools } from "../list-tools.ts";
import { identityOf, requireToken } from "./authenticate.ts";
import { readStrictBody, signalOf } from "./read-body.ts";

export interface Face {
  readonly verify: TokenVerifier;
  readonly run: Pipeline;
  readonly listTools: ListTools;
}

export const MAX_BODY_BYTES = 4 * 1024 * 1024;

const CallBody = z.strictObject({ arguments: JsonObject.default({}) });

/** `GET /v1/tools` and `POST /v1/tools/{tool}/call`: the same pipeline for programs that do not speak MCP. */
export function addRestFace(app: Express, { verify, run, listTools }: Face): void {
  app.get("/v1/tools", requireToken(verify), async (request, response) => {
    const { agent } = identityOf(request);
    response.json({ tools: await listTools(agent) });
  });

  app.post(
    "/v1/tools/:tool/call",
    requireToken(verify),
    express.raw({ type: () => true, limit: MAX_BODY_BYTES }),
    async (request, response) => {
      const identity = identityOf(request);
      const tool = readToolName(request);
      const body = CallBody.safeParse(readStrictBody(request));
      if (!body.success) {
        throw ProblemError.of("request_invalid", {
          service: "broker",
          detail: 'send {"arguments": {…}} and nothing else',
        });
      }
      const outcome = await run({
        identity,
        tool,
        arguments: body.data.arguments,
        signal: signalOf(request),
      });
      answer(response, outcome);
    },
  );
}

function readToolName(request: Request): ToolName {
  const tool = ToolName.safeParse(request.params["tool"]);
  if (tool.success) return tool.data;
  throw ProblemError.of("tool_unknown", {
    service: "broker",
    detail: "a tool's name is server__tool, as GET /v1/tools lists it",
  });
}

function answer(response: express.Response, outcome: CallOutcome): void {
  switch (outcome.kind) {
    case "result": {
      const { failed, ...result } = outcome.result;
      response.json({ status: failed ? "failed" : "done", ...result });
      return;
    }
    case "pending": {
      const { id, expiresAt } = outcome.approval;
      response.status(202).json({
        status: "pending",
        approval: { id, expiresAt: new Date(expiresAt).toISOString() },
        resume: "send the same call again",
      });
      return;
    }
    case "refused":
      sendProblem(response, outcome.problem);
  }
}
