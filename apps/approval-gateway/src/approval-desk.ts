import { randomUUID } from "node:crypto";
import type {
  Approval,
  ApprovalOutcome,
  ApprovalRequest,
  AuditEvent,
  CallDigest,
  ConsumedApproval,
  ConsumeRequest,
  Decision,
} from "@claws/contracts";
import type { ApprovalStore } from "./approval-store.ts";
import { CRITICAL_MINIMUM_AGE_MS, decideApprovalsNeeded } from "./approvals-needed.ts";
import type { AuditedStep } from "./audited-step.ts";
import { digestCall } from "./call-digest.ts";
import type { ReceiptSigner } from "./receipt-signer.ts";
import { readTransitionOrRefuse, refusalOf } from "./refusals.ts";
import type { StoredApproval } from "./stored-approval.ts";
import type { VoteSeals } from "./vote-seals.ts";

export interface DeskDependencies {
  readonly store: ApprovalStore;
  readonly auditThen: AuditedStep;
  readonly seals: VoteSeals;
  readonly signReceipt: ReceiptSigner;
  readonly lifetimeMs: number;
  readonly isSingleOperator: boolean;
}

export type ApprovalDesk = ReturnType<typeof createApprovalDesk>;

/** The steps of an approval's life. Each is checked, then audited, then taken in one script. */
export function createApprovalDesk(dependencies: DeskDependencies) {
  const { store, auditThen, seals, signReceipt, lifetimeMs, isSingleOperator } = dependencies;

  return {
    /** Holds a call, or finds the approval that holds it already. */
    async request(request: ApprovalRequest): Promise<{ approval: Approval; isNew: boolean }> {
      const { call, risk, rule, reservation } = request;
      const { text, digest } = digestCall(call);
      if (digest !== request.digest) throw refusalOf("call_changed");
      const open = await store.findOpen(digest);
      if (open !== undefined) return { approval: open.approval, isNew: false };

      const id = randomUUID();
      const approvalsNeeded = decideApprovalsNeeded(risk, isSingleOperator);
      const event: AuditEvent = {
        event: "approval.requested",
        outcome: "hold",
        ...aboutCall(call, digest),
        rule,
        detail: { approval: id, risk, approvalsNeeded, lifetimeMs },
      };
      const { approval } = await auditThen(event, async () =>
        readTransitionOrRefuse(
          await store.create({
            id,
            digest,
            policyHash: call.policyHash,
            callText: text,
            risk,
            rule,
            reservation,
            approvalsNeeded,
            lifetimeMs,
          }),
        ),
      );
      return { approval, isNew: approval.id === id };
    },

    async decide(id: string, decision: Decision, operator: string): Promise<Approval> {
      const vote = { id, decision, operator, seal: "", criticalMinimumAgeMs: CRITICAL_MINIMUM_AGE_MS };
      const { approval } = readTransitionOrRefuse(await store.decide("check", vote));
      const { risk, rule, call, digest, approvalsNeeded } = approval;
      const event: AuditEvent = {
        event: "approval.decided",
        outcome: decision.decision === "approve" ? "allow" : "deny",
        ...aboutCall(call, digest),
        rule,
        detail: {
          approval: id,
          operator,
          risk,
          approvalsNeeded,
          singleOperator: isSingleOperator,
          ...(risk === "CRITICAL" && approvalsNeeded === 1 ? { minimumAgeMs: CRITICAL_MINIMUM_AGE_MS } : {}),
          ...(decision.reason === undefined ? {} : { reason: decision.reason }),
        },
      };
      const seal = decision.decision === "approve" ? seals.seal(approval, operator) : "";
      return auditThen(
        event,
        async () => readTransitionOrRefuse(await store.decide("act", { ...vote, seal })).approval,
      );
    },

    /** The stored call and the receipt for its one execution. */
    async consume(id: string, { digest, policyHash }: ConsumeRequest): Promise<ConsumedApproval> {
      const checked = readTransitionOrRefuse(await store.consume("check", id, digest, policyHash));
      refuseForged(checked);
      const { call, rule } = checked.approval;
      const event: AuditEvent = {
        event: "approval.consumed",
        outcome: "allow",
        ...aboutCall(call, digest),
        rule,
        detail: { approval: id, approvedBy: checked.approval.approvedBy },
      };
      return auditThen(event, async () => {
        const consumed = readTransitionOrRefuse(await store.consume("act", id, digest, policyHash));
        // Read anew: what was checked before the audit may have been written over since.
        refuseForged(consumed);
        return { call: consumed.approval.call, receipt: await signReceipt(consumed.approval) };
      });
    },

    async settle(id: string, outcome: ApprovalOutcome): Promise<Approval> {
      const { approval } = readTransitionOrRefuse(await store.settle("check", id, outcome));
      if (approval.state === outcome.status) return approval;
      const event: AuditEvent = {
        event: "approval.settled",
        outcome: outcome.status === "executed" ? "done" : "failed",
        ...aboutCall(approval.call, approval.digest),
        ...(outcome.status === "indeterminate" ? { code: "outcome_unknown" } : {}),
        detail: { approval: id, status: outcome.status },
      };
      return auditThen(
        event,
        async () => readTransitionOrRefuse(await store.settle("act", id, outcome)).approval,
      );
    },

    async read(id: string): Promise<Approval> {
      const stored = await store.read(id);
      if (stored === undefined) throw refusalOf("not_found");
      return stored.approval;
    },

    async findOpen(digest: CallDigest): Promise<Approval> {
      const stored = await store.findOpen(digest);
      if (stored === undefined) throw refusalOf("not_found");
      return stored.approval;
    },

    list: async (state: "open" | "all"): Promise<readonly Approval[]> =>
      (await store.list(state)).map(({ approval }) => approval),
  };

  /** Redis is shared: neither a call nor a decision counts because it stands there. */
  function refuseForged(stored: StoredApproval): void {
    const { call, digest } = stored.approval;
    if (digestCall(call).digest !== digest) throw refusalOf("call_changed");
    if (!seals.isApproved(stored)) throw refusalOf("unsealed");
  }
}

function aboutCall({ agent, session, tool }: Approval["call"], digest: CallDigest) {
  return { agent, session, digest, subject: tool };
}
