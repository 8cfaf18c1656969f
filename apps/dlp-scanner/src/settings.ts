import { ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

export const Settings = z.object({
  LISTEN_HOST: z.string().default(ENDPOINTS.dlpScanner.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.dlpScanner.port),
  /** Holds tls.crt, tls.key and ca.crt. */
  IDENTITY_DIR: z.string().default("/run/claws"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
  /** One file per secret of this deployment, to be found in any content. May be missing. */
  SECRETS_DIR: z.string().default("/run/claws/known"),
});
export type Settings = z.infer<typeof Settings>;
