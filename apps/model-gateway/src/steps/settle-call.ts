import type { AgentIdentity } from "@claws/agent-token";
import { MicroUsd, type ModelSpec, type Settlement } from "@claws/contracts";
import type { Usage } from "../dialects/dialect.ts";
import { computeCost } from "../price.ts";
import type { AuditTrail } from "./audit-trail.ts";
import type { Reservation } from "./reserve-spend.ts";

/** How a call ended, as far as money is concerned. */
export type CallEnding =
  /** Nothing reached the provider. */
  | { readonly kind: "unsent"; readonly code: string }
  /** The provider refused it without doing any work. */
  | { readonly kind: "rejected"; readonly code: string }
  /** It was answered; without a usage, nobody knows what that cost. */
  | { readonly kind: "answered"; readonly usage: Usage | undefined }
  /** It was sent, and what became of it is not known. */
  | { readonly kind: "failed"; readonly code: string; readonly usage?: Usage | undefined };

/** What to book: the count where there is one, nothing where no work was done, else the whole estimate. */
export function decideSettlement(ending: CallEnding, model: ModelSpec, estimate: MicroUsd): Settlement {
  switch (ending.kind) {
    case "unsent":
      return { outcome: "release" };
    case "rejected":
      return { outcome: "commit", actualMicroUsd: MicroUsd.parse(0) };
    case "answered":
    case "failed":
      return {
        outcome: "commit",
        actualMicroUsd: ending.usage ? computeCost(model, ending.usage) : estimate,
      };
  }
}

export type CallSettler = (ending: CallEnding) => Promise<MicroUsd>;

export interface CallToSettle {
  readonly identity: AgentIdentity;
  readonly model: ModelSpec;
  readonly reservation: Reservation;
  readonly audit: AuditTrail;
  readonly onSettled: (ending: CallEnding, spent: MicroUsd) => void;
}

/** Books the cost of one call and writes how it ended; gives what was spent. */
export function createCallSettler({
  identity,
  model,
  reservation,
  audit,
  onSettled,
}: CallToSettle): CallSettler {
  return async function settleCall(ending) {
    const settlement = decideSettlement(ending, model, reservation.estimateMicroUsd);
    const spent = settlement.outcome === "commit" ? settlement.actualMicroUsd : MicroUsd.parse(0);
    const isBooked = await reservation.settle(settlement);
    onSettled(ending, spent);
    const usage = "usage" in ending ? ending.usage : undefined;
    await audit.recordSettled(identity, {
      model: model.name,
      outcome: ending.kind === "answered" ? "done" : "failed",
      code: "code" in ending ? ending.code : undefined,
      detail: {
        reservation: reservation.id,
        spentMicroUsd: spent,
        isBooked,
        isCounted: usage !== undefined,
        ...(usage ? { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens } : {}),
      },
    });
    return spent;
  };
}
