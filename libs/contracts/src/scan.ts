import * as z from "zod";
import { JsonValue } from "./call.ts";

export const FindingCategory = z.enum(["secret", "pii", "exfiltration", "injection", "size"]);
export type FindingCategory = z.infer<typeof FindingCategory>;

/** What a rule does with a finding, mildest first. */
export const DlpAction = z.enum(["allow", "flag", "redact", "block"]);
export type DlpAction = z.infer<typeof DlpAction>;

/** Which way the content travels; the profile has one set of actions for each. */
export const ScanDirection = z.enum([
  "arguments",
  "results",
  "model-requests",
  "model-responses",
  "egress-requests",
  "egress-responses",
]);
export type ScanDirection = z.infer<typeof ScanDirection>;

export const Finding = z.strictObject({
  rule: z.string(),
  category: FindingCategory,
  severity: z.enum(["low", "medium", "high", "critical"]),
  confidence: z.number().min(0).max(1),
  /** JSON Pointer (RFC 6901) of the string that it was found in. */
  path: z.string(),
  /** Start and end offset in UTF-16 units of that string. */
  span: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
  /** First and last characters of what was found, the rest masked. */
  evidence: z.string().max(64),
  /** Encodings undone before it could be seen, outermost first; empty for plain text. */
  decodedBy: z.array(z.string()),
});
export type Finding = z.infer<typeof Finding>;

export const ScanRequest = z.strictObject({ direction: ScanDirection, content: JsonValue });
export type ScanRequest = z.infer<typeof ScanRequest>;

export const ScanVerdict = z.discriminatedUnion("action", [
  z.strictObject({ action: z.literal("allow"), findings: z.array(Finding) }),
  z.strictObject({ action: z.literal("redact"), findings: z.array(Finding), content: JsonValue }),
  z.strictObject({
    action: z.literal("block"),
    findings: z.array(Finding),
    rule: z.string(),
    path: z.string(),
  }),
]);
export type ScanVerdict = z.infer<typeof ScanVerdict>;
