import * as z from "zod";
import { ServerName } from "./identifiers.ts";

/** What the launcher knows of the servers it may start. */
export const LaunchableServers = z.strictObject({
  servers: z.array(
    z.strictObject({
      name: ServerName,
      image: z.string(),
      /** The engine's content id of the image that will run. */
      imageDigest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    }),
  ),
});
export type LaunchableServers = z.infer<typeof LaunchableServers>;

/** `Upgrade:` token of the launcher's stdio stream: raw bytes of one server's stdin and stdout. */
export const STDIO_UPGRADE = "claws-stdio";
