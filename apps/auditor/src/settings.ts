import { join } from "node:path";
import { ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

export const Settings = z.object({
  IDENTITY_DIR: z.string().default("/run/claws"),
  LOG_DIR: z.string().default("/state"),
  LISTEN_HOST: z.string().default(ENDPOINTS.auditor.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.auditor.port),
});
export type Settings = z.infer<typeof Settings>;

/** Where the log is. One name, so that every command and every page can say it. */
export function logPathOf(settings: Settings): string {
  return join(settings.LOG_DIR, "audit.jsonl");
}
