import { ENDPOINTS } from "@claws/contracts";
import { BooleanSetting, PortSetting } from "@claws/service-kit";
import * as z from "zod";

const { host, port } = ENDPOINTS.approvalGatewayForOperators;

/** An address without path: what is behind it is chosen by the browser's path alone. */
const Origin = (protocol: RegExp) =>
  z
    .url({ protocol, error: "must be an address like http://host:port" })
    .refine((text) => new URL(text).origin === text.replace(/\/$/, ""), "must have no path, query or user");

/** Environment of front-door; the table in README.md says what each is for. */
export const Settings = z.object({
  LISTEN_HOST: z.string().default("0.0.0.0"),
  CONSOLE_PORT: PortSetting.default(8082),
  LOGS_PORT: PortSetting.default(8081),
  IDENTITY_DIR: z.string().startsWith("/").default("/run/claws"),
  STATE_DIR: z.string().startsWith("/").default("/state"),
  APPROVAL_GATEWAY_URL: Origin(/^https$/).default(`https://${host}:${port}`),
  DOZZLE_URL: Origin(/^http$/).default("http://dozzle:8080"),
  LOGIN_URL: z.url({ protocol: /^https?$/ }).default("http://127.0.0.1:8082/login"),
  PUBLIC_HOSTS: z
    .string()
    .default("127.0.0.1,localhost")
    .transform((text) => text.split(",").map((name) => name.trim().toLowerCase()))
    .pipe(
      z.array(z.string().regex(/^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])$/, "must be host names without port")).min(1),
    ),
  REQUIRE_NO_DEFAULT_ROUTE: BooleanSetting.default(true),
});
export type Settings = z.infer<typeof Settings>;
