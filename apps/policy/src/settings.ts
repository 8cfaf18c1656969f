import * as z from "zod";

const ProfileName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "must be a profile's name");

/** `choose`: this deployment runs PROFILE. One container per profile exists, and only the active one runs. */
export const ChooseSettings = z.object({
  PROFILE: ProfileName,
  POLICY_DIR: z.string().default("/policy"),
});
export type ChooseSettings = z.infer<typeof ChooseSettings>;

/** `compile`: the overrides of `.env` go over the profile that was chosen. */
export const CompileSettings = z.object({
  PROFILES_DIR: z.string().default("/profiles"),
  POLICY_DIR: z.string().default("/policy"),
  ALLOWED_TOOLS_BASIC: z.string().optional(),
  ALLOWED_TOOLS_FILTERED: z.string().optional(),
  BLOCKED_TOOLS: z.string().optional(),
  MAX_API_CALLS_PER_MINUTE: z.string().optional(),
  MAX_COST_PER_SESSION_USD: z.string().optional(),
  MAX_TOKENS_PER_REQUEST: z.string().optional(),
});
export type CompileSettings = z.infer<typeof CompileSettings>;
