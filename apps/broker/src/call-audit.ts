import { type AgentId, type AuditEvent, AuditReceipt, type Problem, type SessionId } from "@claws/contracts";
import type { Logger, ServiceClient } from "@claws/service-kit";
import type { CallOutcome } from "./call-outcome.ts";
import type { Journey, PreparedCall } from "./gate.ts";

export interface CallAudit {
  /** Resolves to the problem when the record could not be written. */
  recordDecision(prepared: PreparedCall, journey: Journey): Promise<Problem | undefined>;
  recordRefusal(call: RefusedCall, problem: Problem): Promise<void>;
  recordHold(prepared: PreparedCall, outcome: CallOutcome): Promise<void>;
  recordOutcome(prepared: PreparedCall, outcome: CallOutcome, durationMs: number): Promise<void>;
}

/** What is known of a call that was refused, perhaps before it could be frozen. */
export interface RefusedCall {
  readonly agent: AgentId;
  readonly session: SessionId;
  readonly tool: string;
  readonly digest?: PreparedCall["digest"];
}

/** Writes what happens to calls through the auditor, never with arguments or results. */
export function createCallAudit(auditor: ServiceClient, logger: Logger): CallAudit {
  const write = (event: AuditEvent) =>
    auditor.call(AuditReceipt, { method: "POST", path: "/v1/records", body: event });
  /** For records of what already happened: a refusal stands and a result exists, recorded or not. */
  const writeAfterwards = async (event: AuditEvent) => {
    const answer = await write(event);
    if (!answer.ok)
      logger.error({ audit: event, code: answer.problem.code }, "not recorded: the auditor cannot be asked");
  };
  const identityOf = ({ call, digest }: PreparedCall) => ({
    agent: call.agent,
    session: call.session,
    digest,
    subject: call.tool,
  });

  return {
    async recordDecision(prepared, journey) {
      const { call, terms } = prepared;
      const answer = await write({
        event: "call.decided",
        outcome: "allow",
        ...identityOf(prepared),
        rule: terms.riskRule,
        detail: {
          risk: terms.risk,
          imageDigest: call.imageDigest,
          toolDefinitionHash: call.toolDefinitionHash,
          policyHash: call.policyHash,
          flagged: journey.flagged,
          ...(journey.approval ? { approval: journey.approval.id } : {}),
        },
      });
      return answer.ok ? undefined : answer.problem;
    },
    recordRefusal: ({ tool, ...call }, problem) =>
      writeAfterwards({
        event: "call.decided",
        outcome: "deny",
        ...call,
        subject: tool.slice(0, 200),
        code: problem.code,
        ...(problem.rule === undefined ? {} : { rule: problem.rule }),
        detail: { by: problem.service },
      }),
    recordHold: (prepared, outcome) =>
      writeAfterwards({
        event: "call.decided",
        outcome: "hold",
        ...identityOf(prepared),
        rule: prepared.terms.riskRule,
        detail: outcome.kind === "pending" ? { approval: outcome.approval.id } : {},
      }),
    recordOutcome: (prepared, outcome, durationMs) =>
      writeAfterwards({
        event: "call.settled",
        outcome: outcome.kind === "result" && !outcome.result.failed ? "done" : "failed",
        ...identityOf(prepared),
        ...(outcome.kind === "refused" ? { code: outcome.problem.code } : {}),
        detail: { durationMs: Math.round(durationMs) },
      }),
  };
}
