import { ENDPOINTS } from "@claws/contracts";
import { PortSetting } from "@claws/service-kit";
import * as z from "zod";
import { isToolPool } from "./tool-subnets.ts";

export const Settings = z.object({
  IDENTITY_DIR: z.string().default("/run/claws"),
  POLICY_FILE: z.string().default("/policy/policy.json"),
  LISTEN_HOST: z.string().default(ENDPOINTS.launcher.host),
  LISTEN_PORT: PortSetting.default(ENDPOINTS.launcher.port),
  DOCKER_SOCKET: z.string().startsWith("/").default("/var/run/docker.sock"),
  /** Compose project: part of every label and volume name. */
  PROJECT: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/)
    .default("sandbox-claws"),
  /** Where the workspace is mounted in the launcher's own container. */
  WORKSPACE_MOUNT: z.string().startsWith("/").default("/mnt/workspace"),
  /** `uid:gid` of every MCP server, never root. */
  SERVER_USER: z
    .string()
    .regex(/^[1-9]\d*:[1-9]\d*$/, "uid:gid, neither of them 0")
    .default("10001:10001"),
  /** Where servers with an egress grant get their networks, 16 addresses each; egress-filter knows it too. */
  TOOL_POOL: z
    .string()
    .refine(isToolPool, "an IPv4 network of at least 16 addresses, for instance 10.214.0.0/20")
    .default("10.214.0.0/20"),
  /** Our own prober, run in the network namespaces of agents and servers. */
  PROBER_IMAGE: z.string().min(1).default("sandbox-claws/prober:local"),
  MAX_SERVERS: z.coerce.number().int().min(1).max(256).default(16),
});
export type Settings = z.infer<typeof Settings>;
