import * as z from "zod";

export const Settings = z.object({
  /** Which profile this deployment runs: the name of a file in PROFILES_DIR. */
  PROFILE: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  PROFILES_DIR: z.string().default("/profiles"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
  ALLOWED_TOOLS: z.string().optional(),
  BLOCKED_TOOLS: z.string().optional(),
  MAX_API_CALLS_PER_MINUTE: z.string().optional(),
  MAX_COST_PER_SESSION_USD: z.string().optional(),
  MAX_TOKENS_PER_REQUEST: z.string().optional(),
});
export type Settings = z.infer<typeof Settings>;
