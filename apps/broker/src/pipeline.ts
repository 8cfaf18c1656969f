import {
  createProblem,
  type FrozenCall,
  type JsonValue,
  type Problem,
  type ToolName,
} from "@claws/contracts";
import type { AgentIdentity } from "@claws/agent-token";
import { ProblemError } from "@claws/service-kit";
import { type CallAudit } from "./call-audit.ts";
import { type CallOutcome, refused } from "./call-outcome.ts";
import type { Gate, Journey, PreparedCall } from "./gate.ts";
import { needsApproval } from "./gates/needs-approval.ts";
import type { PrepareCall } from "./prepare-call.ts";
import type { FindHeld } from "./steps/find-held.ts";
import type { Settle } from "./steps/settle.ts";
import type { ServerConnection, UpstreamOutcome } from "./upstream/server-connection.ts";
import type { ToolResult } from "./call-outcome.ts";

/** The gates of one call in the order of the specification. Each takes the same frozen call. */
export interface Gates {
  readonly scope: Gate;
  readonly arguments: Gate;
  readonly guardrails: Gate;
  readonly admit: Gate;
  readonly approve: Gate;
  readonly auditBeforeAct: Gate;
}

const inOrder = (gates: Gates): readonly Gate[] => [
  gates.scope,
  gates.arguments,
  gates.guardrails,
  gates.admit,
  gates.approve,
  gates.auditBeforeAct,
];

/** The same, for a call that a person already has before them: it resumes before anything is counted. */
const whenResuming = (gates: Gates): readonly Gate[] => [
  gates.scope,
  gates.arguments,
  gates.approve,
  gates.auditBeforeAct,
];

export interface ToolRequest {
  readonly identity: AgentIdentity;
  readonly tool: ToolName;
  readonly arguments: Readonly<Record<string, JsonValue>>;
  readonly signal: AbortSignal;
}

export interface PipelineSteps {
  readonly prepare: PrepareCall;
  readonly findHeld: FindHeld;
  readonly gates: Gates;
  readonly execute: (
    prepared: PreparedCall,
    journey: Journey,
    connection: ServerConnection,
  ) => Promise<UpstreamOutcome>;
  readonly checkResult: (prepared: PreparedCall, result: ToolResult) => Promise<CallOutcome>;
  readonly settle: Settle;
  readonly audit: CallAudit;
}

export type Pipeline = (request: ToolRequest) => Promise<CallOutcome>;

/** A redaction makes a new call; one that is redacted twice is not converging and is refused. */
const MAX_REPLACEMENTS = 1;

/** Freeze, judge, act, settle: one call from a parsed request to what the agent is told. */
export function createPipeline(steps: PipelineSteps): Pipeline {
  const { prepare, findHeld, gates, settle, audit } = steps;

  const judge = async (prepared: PreparedCall, journey: Journey): Promise<Judgement> => {
    const held = needsApproval(prepared.terms.risk) ? await findHeld(prepared) : undefined;
    if (held !== undefined) journey.held = held.reservation;
    for (const gate of held === undefined ? inOrder(gates) : whenResuming(gates)) {
      const verdict = await gate.decide(prepared, journey);
      switch (verdict.verdict) {
        case "allow":
          continue;
        case "deny":
          return { kind: "deny", problem: verdict.problem };
        case "hold":
          return { kind: "hold", outcome: verdict.outcome };
        case "replace":
          return { kind: "replace", arguments: verdict.arguments };
      }
    }
    return { kind: "act" };
  };

  const act = async (
    prepared: PreparedCall,
    journey: Journey,
    connection: ServerConnection,
  ): Promise<CallOutcome> => {
    const startedAt = performance.now();
    const upstream = await steps.execute(prepared, journey, connection);
    const outcome =
      upstream.kind === "answered"
        ? await steps.checkResult(prepared, upstream.result)
        : refused(upstream.problem);
    await Promise.all([
      settle.reservation(
        journey,
        upstream.kind === "unsent" ? "release" : { commit: prepared.terms.priceMicroUsd },
      ),
      settle.approval(
        journey,
        upstream.kind === "answered" ? "executed" : upstream.kind === "unknown" ? "indeterminate" : "failed",
      ),
      audit.recordOutcome(prepared, outcome, performance.now() - startedAt),
    ]);
    return outcome;
  };

  const refuse = async (
    request: ToolRequest,
    journey: Journey,
    problem: Problem,
    prepared?: PreparedCall,
  ): Promise<CallOutcome> => {
    const { identity, tool } = request;
    await Promise.all([
      settle.reservation(journey, "release"),
      // Only where the person's approval is used up already and something after it said no.
      settle.approval(journey, "failed"),
      audit.recordRefusal({ ...identity, tool, ...(prepared ? { digest: prepared.digest } : {}) }, problem),
    ]);
    return refused(problem);
  };

  return async function run(request) {
    const journey: Journey = { signal: request.signal, flagged: [] };
    let prepared: PreparedCall | undefined;
    try {
      let values = request.arguments;
      for (let replacements = 0; ; replacements++) {
        const ready = await prepare({ ...request, arguments: values });
        prepared = ready.prepared;
        const judgement = await judge(prepared, journey);
        switch (judgement.kind) {
          case "act":
            return await act(prepared, journey, ready.connection);
          case "deny":
            return await refuse(request, journey, judgement.problem, prepared);
          case "hold":
            // The reservation stays with the approval; its lease ends it if nobody comes back.
            await audit.recordHold(prepared, judgement.outcome);
            return judgement.outcome;
          case "replace":
            if (replacements >= MAX_REPLACEMENTS)
              return await refuse(request, journey, stillRedacting(prepared.call), prepared);
            values = judgement.arguments;
        }
      }
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return refuse(request, journey, error.problem, prepared);
    }
  };
}

type Judgement =
  | { readonly kind: "act" }
  | { readonly kind: "deny"; readonly problem: Problem }
  | { readonly kind: "hold"; readonly outcome: CallOutcome }
  | { readonly kind: "replace"; readonly arguments: Readonly<Record<string, JsonValue>> };

function stillRedacting(call: FrozenCall): Problem {
  return createProblem("dlp_blocked", {
    service: "broker",
    detail: `${call.tool}: the arguments still need redacting after being redacted`,
  });
}
