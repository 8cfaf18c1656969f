import type { AgentIdentity } from "@claws/agent-token";
import { AuditEvent, AuditReceipt, type Problem } from "@claws/contracts";
import { type Logger, ProblemError, type ServiceClient } from "@claws/service-kit";
import * as z from "zod";

type Detail = z.input<typeof AuditEvent>["detail"];

export interface SettledRecord {
  readonly model: string;
  readonly outcome: "done" | "failed";
  readonly code?: string | undefined;
  readonly detail: Detail;
}

export interface AuditTrail {
  /** Before the call. Throws when it cannot be written: no record, no call. */
  recordAllowed(identity: AgentIdentity, model: string, detail: Detail): Promise<void>;
  /** The refusal stands whether or not it can be written. */
  recordRefused(identity: AgentIdentity, model: string, problem: Problem): Promise<void>;
  /** The provider's answer was not handed on: by then the call is paid for. */
  recordWithheld(identity: AgentIdentity, model: string, problem: Problem): Promise<void>;
  /** After the call, when nothing can be refused any more: a failure is logged. */
  recordSettled(identity: AgentIdentity, record: SettledRecord): Promise<void>;
}

export function createAuditTrail(auditor: ServiceClient, logger: Logger): AuditTrail {
  const write = (event: z.input<typeof AuditEvent>) =>
    auditor.call(AuditReceipt, { method: "POST", path: "/v1/records", body: AuditEvent.parse(event) });

  const writeOrLog = async (event: z.input<typeof AuditEvent>) => {
    const answer = await write(event);
    if (!answer.ok) logger.error({ event: event.event, problem: answer.problem.detail }, "audit record lost");
  };

  return {
    async recordAllowed(identity, model, detail) {
      const event = {
        event: "model.decided",
        outcome: "allow",
        ...identity,
        subject: model,
        detail,
      } as const;
      const answer = await write(event);
      if (!answer.ok) throw new ProblemError(answer.problem);
    },
    recordRefused: (identity, model, problem) =>
      writeOrLog({ event: "model.decided", ...createDenial(identity, model, problem) }),
    recordWithheld: (identity, model, problem) =>
      writeOrLog({ event: "model.withheld", ...createDenial(identity, model, problem) }),
    recordSettled: (identity, { model, outcome, code, detail }) =>
      writeOrLog({
        event: "model.settled",
        outcome,
        ...identity,
        subject: model,
        detail,
        ...(code === undefined ? {} : { code }),
      }),
  };
}

function createDenial(identity: AgentIdentity, model: string, { code, rule, key }: Problem) {
  return {
    outcome: "deny",
    ...identity,
    subject: model,
    code,
    ...(rule === undefined ? {} : { rule }),
    ...(key === undefined ? {} : { detail: { key } }),
  } as const;
}
