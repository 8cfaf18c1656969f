import { PortSetting } from "@claws/service-kit";
import * as z from "zod";

const PortList = z
  .string()
  .regex(/^\d+(,\d+)*$/, "must be ports with commas between, for instance 80,443")
  .transform((text): unknown[] => text.split(","))
  .pipe(z.array(PortSetting).min(1).max(16));

export const Settings = z
  .object({
    LISTEN_HOST: z.string().default("0.0.0.0"),
    LISTEN_PORT: PortSetting.default(8080),
    /** Several ports at once, all plain HTTP; takes the place of LISTEN_PORT. */
    LISTEN_PORTS: PortList.optional(),
    /** What it calls itself in its answers. */
    NAME: z.string().min(1).max(100).default("mock-api"),
  })
  .transform(({ LISTEN_PORT, LISTEN_PORTS, ...rest }) => ({ ...rest, PORTS: LISTEN_PORTS ?? [LISTEN_PORT] }));
export type Settings = z.infer<typeof Settings>;
