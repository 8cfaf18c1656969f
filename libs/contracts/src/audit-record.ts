import * as z from "zod";
import { JsonObject } from "./call.ts";
import { AgentId, CallDigest, SessionId, Sha256Hex } from "./identifiers.ts";

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
  /** Hash of the record before; 64 zeros for the first. */
  previous: Sha256Hex,
  hash: Sha256Hex,
});
export type AuditRecord = z.infer<typeof AuditRecord>;

export const AuditReceipt = z.strictObject({ seq: z.int().positive(), hash: Sha256Hex });
export type AuditReceipt = z.infer<typeof AuditReceipt>;
