import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

/** Environment of the viewer; `DOCKER_HOST` is spelt as Dozzle spells it. */
export const Settings = z.object({
  LISTEN_HOST: z.string().default("0.0.0.0"),
  LISTEN_PORT: PortSetting.default(8080),
  DOCKER_HOST: z
    .string()
    .regex(/^tcp:\/\/[A-Za-z0-9.-]+:\d{1,5}$/, "must be tcp://<host>:<port>")
    .default("tcp://docker-api-filter:2375"),
  MAX_STREAMS: z.coerce.number().int().min(1).max(1_000).default(32),
});
export type Settings = z.infer<typeof Settings>;
