import { ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

export const Settings = z.object({
  LISTEN_HOST: z.string().default(ENDPOINTS.rateLimiter.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.rateLimiter.port),
  REDIS_HOST: z.string().default("redis"),
  REDIS_PORT: PortSetting.default(6_379),
  REDIS_USERNAME: z.string().default("rate-limiter"),
  /** Holds tls.crt, tls.key, ca.crt and redis.password. */
  IDENTITY_DIR: z.string().default("/run/claws"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
});
export type Settings = z.infer<typeof Settings>;
