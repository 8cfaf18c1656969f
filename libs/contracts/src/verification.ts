import * as z from "zod";

/** One attempt to get out another way, made from the network namespace of `from`. */
export const Probe = z.strictObject({
  /** Stable id, for instance `gateway-ports` or the number of a vector (`TOP-02`). */
  id: z.string().max(64),
  /** `agent:main`, `server:fs`. */
  from: z.string().max(64),
  tried: z.string().max(300),
  expected: z.string().max(300),
  happened: z.string().max(300),
  passed: z.boolean(),
});
export type Probe = z.infer<typeof Probe>;

/** The proof that there is no fourth way out, as `verify-report.json` has it. */
export const VerificationReport = z.strictObject({
  version: z.literal(1),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  passed: z.boolean(),
  probes: z.array(Probe),
  /** Why the run itself could not be made; then `passed` is false. */
  failure: z.string().optional(),
});
export type VerificationReport = z.infer<typeof VerificationReport>;

/** What the doors ask broker: `GET /v1/verification`. Nothing but `passed` opens them. */
export const VerificationState = z.strictObject({
  state: z.enum(["pending", "passed", "failed"]),
  at: z.iso.datetime().nullable(),
  /** Ids of the probes that found a hole. */
  holes: z.array(z.string()),
});
export type VerificationState = z.infer<typeof VerificationState>;
