import { AgentId } from "@claws/contracts";
import * as z from "zod";

export const Settings = z.object({
  /** Where every service's volume is mounted, one folder per name. */
  OUT_DIR: z.string().default("/out"),
  /** Agents that get a token, separated by commas. */
  AGENTS: z
    .string()
    .default("main")
    .transform((text) => text.split(",").map((name) => AgentId.parse(name.trim()))),
  AGENT_TOKEN_DAYS: z.coerce.number().int().min(1).max(365).default(30),
});
export type Settings = z.infer<typeof Settings>;
