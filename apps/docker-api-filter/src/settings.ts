import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

/** Environment of the filter; the table in README.md says what each is for. */
export const Settings = z.object({
  LISTEN_HOST: z.string().default("docker-api-filter.docker-api"),
  LISTEN_PORT: PortSetting.default(2375),
  DOCKER_SOCKET: z.string().startsWith("/").default("/var/run/docker.sock"),
  PROJECT: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/, "must be the name of a Compose project")
    .default("sandbox-claws"),
  MAX_CONNECTIONS: z.coerce.number().int().min(1).max(10_000).default(128),
  ENGINE_TIMEOUT_MS: z.coerce.number().int().min(100).max(60_000).default(10_000),
});
export type Settings = z.infer<typeof Settings>;
