import { AgentId, type AuditEvent, AuditReceipt } from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import type { Door, Judgement } from "./judgement.ts";

/** Writes one record per judgement; false when the auditor did not take it. */
export type AuditTrail = (judgement: Judgement, door: Door) => Promise<boolean>;

export function createAuditTrail(auditor: Pick<ServiceClient, "call">): AuditTrail {
  return async function record(judgement, door) {
    const body = createAuditEvent(judgement, door);
    const answer = await auditor.call(AuditReceipt, { method: "POST", path: "/v1/records", body });
    return answer.ok;
  };
}

export function createAuditEvent(judgement: Judgement, { name, caller }: Door): AuditEvent {
  const { subject, reason, rule } = judgement;
  const address = judgement.ok ? judgement.addresses.join(" ") : judgement.address;
  return {
    event: "egress.decided",
    outcome: judgement.ok ? "allow" : judgement.outcome,
    subject: subject.port === null ? subject.host || "(none)" : `${subject.host}:${subject.port}`,
    ...("agent" in caller ? { agent: AgentId.parse(caller.agent) } : {}),
    ...(judgement.ok ? {} : { code: judgement.code }),
    ...(rule === undefined ? {} : { rule: rule.slice(0, 500) }),
    detail: {
      method: subject.method,
      reason,
      door: name,
      ...("peer" in caller ? { peer: caller.peer } : {}),
      ...(address === undefined ? {} : { address }),
    },
  };
}
