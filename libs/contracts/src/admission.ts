import * as z from "zod";
import { AgentId, EpochMs, MicroUsd, RecordId, SessionId } from "./identifiers.ts";

/** Ask rate-limiter to count one call and reserve its estimated cost, all or nothing. Idempotent by `id`. */
export const AdmissionRequest = z.strictObject({
  id: RecordId,
  agent: AgentId,
  session: SessionId,
  kind: z.enum(["tool", "model"]),
  /** Full tool name, or the model's name. */
  subject: z.string().min(1).max(200),
  estimateMicroUsd: MicroUsd,
  /** How long the reservation lives if nobody settles it. */
  leaseMs: z.int().min(1_000).max(3_600_000),
});
export type AdmissionRequest = z.infer<typeof AdmissionRequest>;

export const Admission = z.discriminatedUnion("outcome", [
  z.strictObject({ outcome: z.literal("admitted"), id: RecordId, leaseUntil: EpochMs }),
  z.strictObject({
    outcome: z.literal("refused"),
    code: z.enum(["rate_limited", "budget_exceeded"]),
    /** Which limit: `agent`, `tool`, `session`, `day`. */
    scope: z.string(),
    /** The profile key that sets it. */
    key: z.string(),
    limit: z.int().nonnegative(),
    used: z.int().nonnegative(),
    /** When trying again may succeed; null when time alone will not help. */
    retryAfterMs: z.int().nonnegative().nullable(),
  }),
]);
export type Admission = z.infer<typeof Admission>;

/** End a reservation: `commit` what was spent, or `release` it because nothing was sent. */
export const Settlement = z.discriminatedUnion("outcome", [
  z.strictObject({ outcome: z.literal("commit"), actualMicroUsd: MicroUsd }),
  z.strictObject({ outcome: z.literal("release") }),
]);
export type Settlement = z.infer<typeof Settlement>;

export const SettlementResult = z.strictObject({
  /** `late`: the lease had ended, and the difference was booked; `repeated`: it was settled before. */
  state: z.enum(["committed", "released", "late", "repeated"]),
});
export type SettlementResult = z.infer<typeof SettlementResult>;

/** Spend of one session, in micro-USD. */
export const SpendReport = z.strictObject({
  agent: AgentId,
  session: SessionId,
  committedMicroUsd: MicroUsd,
  reservedMicroUsd: MicroUsd,
  limitMicroUsd: MicroUsd,
});
export type SpendReport = z.infer<typeof SpendReport>;
