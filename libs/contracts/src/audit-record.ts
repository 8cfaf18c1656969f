import * as z from "zod";
import { JsonObject } from "./call.ts";
import { AgentId, CallDigest, RecordId, SessionId, Sha256Hex } from "./identifiers.ts";

/** Longest event that the auditor takes, in bytes of its JSON. */
export const MAX_AUDIT_EVENT_BYTES = 64 * 1024;

/** What a service asks the auditor to write. The auditor adds time, order, chain and who asked. */
export const AuditEvent = z.strictObject({
  /** `noun.verb`, for instance `call.decided`, `call.settled`, `approval.decided`, `egress.decided`. */
  event: z.string().regex(/^[a-z-]+\.[a-z-]+$/),
  outcome: z.enum(["allow", "deny", "hold", "done", "failed"]),
  agent: AgentId.optional(),
  session: SessionId.optional(),
  digest: CallDigest.optional(),
  /** Tool, host, model or operator address: what the event is about. */
  subject: z.string().max(500),
  code: z.string().max(64).optional(),
  rule: z.string().max(500).optional(),
  /** When the service decided, where that is not the moment in which the auditor wrote it. */
  at: z.iso.datetime().optional(),
  /** Small, already redacted facts. Never raw arguments or results. */
  detail: JsonObject.optional(),
});
export type AuditEvent = z.infer<typeof AuditEvent>;

/** One line of the log. `hash` is SHA-256 over the canonical JSON of the record without it. */
export const AuditRecord = AuditEvent.extend({
  seq: z.int().positive(),
  time: z.iso.datetime(),
  /** The certificate's subject of the service that asked. */
  service: z.string(),
  /** The write-ahead spool that the event came through, and its number in there. */
  spool: RecordId.optional(),
  spoolSeq: z.int().positive().optional(),
  /** Hash of the record before; 64 zeros for the first. */
  previous: Sha256Hex,
  hash: Sha256Hex,
});
export type AuditRecord = z.infer<typeof AuditRecord>;

export const AuditReceipt = z.strictObject({ seq: z.int().positive(), hash: Sha256Hex });
export type AuditReceipt = z.infer<typeof AuditReceipt>;

/** A stretch of a service's write-ahead spool, in the order of its numbers: `first`, `first + 1`, … */
export const AuditBatch = z.strictObject({
  spool: RecordId,
  /** Room for the batch's own numbers: each must be a whole number that a double holds. */
  first: z
    .int()
    .positive()
    .max(Number.MAX_SAFE_INTEGER - 500),
  events: z.array(AuditEvent).min(1).max(500),
});
export type AuditBatch = z.infer<typeof AuditBatch>;

/** Every event of the spool up to number `through` is on the auditor's disk. */
export const AuditBatchReceipt = z.strictObject({ through: z.int().positive() });
export type AuditBatchReceipt = z.infer<typeof AuditBatchReceipt>;
