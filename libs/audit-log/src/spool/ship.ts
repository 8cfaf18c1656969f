import { type AuditBatch, AuditBatchReceipt } from "@claws/contracts";

/** Up to which number the auditor has the spool on its disk, or why it took nothing. */
export type ShipResult =
  | { readonly ok: true; readonly through: number }
  | { readonly ok: false; readonly reason?: string };

/** Sends one batch and waits for the answer. What was perhaps received may be sent again: the auditor skips it. */
export type Ship = (batch: AuditBatch) => Promise<ShipResult>;

/** The part of a service client that shipping needs. */
export interface AuditorClient {
  call(
    schema: typeof AuditBatchReceipt,
    options: { readonly method: "POST"; readonly path: string; readonly body: AuditBatch },
  ): Promise<
    | { readonly ok: true; readonly value: AuditBatchReceipt }
    | { readonly ok: false; readonly problem: { readonly detail: string } }
  >;
}

/** Ships to the auditor's `POST /v1/batches`. */
export function createShip(auditor: AuditorClient): Ship {
  return async function ship(batch) {
    const answer = await auditor.call(AuditBatchReceipt, {
      method: "POST",
      path: "/v1/batches",
      body: batch,
    });
    return answer.ok
      ? { ok: true, through: answer.value.through }
      : { ok: false, reason: answer.problem.detail };
  };
}
