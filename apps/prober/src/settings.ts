import { isIPv4 } from "node:net";
import * as z from "zod";

/** One place at which something listens, or must not. */
export interface Target {
  /** What the report calls it: a container, mostly. */
  readonly name: string;
  readonly address: string;
  readonly ports: readonly number[];
}

const Port = z.coerce.number().int().min(1).max(65_535);
const Address = z.string().refine(isIPv4, "must be an IPv4 address");
const TargetParts = z.tuple([z.string().min(1), Address, z.array(Port).min(1)]);

const splitList = (text: string) => text.split(",").filter((item) => item !== "");

/** `name=address:port+port`, with commas between. */
const TargetList = z
  .string()
  .default("")
  .transform((text, context) =>
    splitList(text).flatMap((item): Target[] => {
      const [, name, address, ports] = /^([^=,]+)=([^:]+):([\d+]+)$/.exec(item) ?? [];
      const parsed = TargetParts.safeParse([name, address, ports?.split("+")]);
      if (parsed.success) return [{ name: parsed.data[0], address: parsed.data[1], ports: parsed.data[2] }];
      context.addIssue({ code: "custom", message: `${item} is not name=address:port+port` });
      return [];
    }),
  );

const AddressList = z.string().default("").transform(splitList).pipe(z.array(Address));

/** What the launcher tells the prober of the place that it runs in; nothing of it is a choice of the prober. */
export const Settings = z.object({
  /** `agent:main`, `server:fs`. */
  FROM: z.string().regex(/^(agent|server):[a-z0-9-]+$/),
  /** How many networks the container may have, loopback aside: a server without a grant has none. */
  NETWORKS: z.coerce.number().int().min(0).max(1).default(1),
  /** The doors: what must answer, so that silence elsewhere proves something. */
  DOORS: TargetList,
  /** Members of the container's own network, with ports on which they must not answer. */
  NEIGHBOURS: TargetList,
  /** Containers on other networks, with the ports on which they do answer there. */
  STRANGERS: TargetList,
  /** Addresses of the machine on the engine's bridges. */
  HOST_ADDRESSES: AddressList,
  /** A port on which the machine itself listens, on all its addresses, while the probes run. */
  DECOY_PORT: Port.optional(),
  /** Address of the policy DNS, which is also what it answers allowed names with. */
  DNS_ADDRESS: Address.optional(),
  /** A name that the policy allows. */
  ALLOWED_NAME: z.string().optional(),
  /** `address:port` of the proxy. */
  PROXY: z
    .string()
    .regex(/^[\d.]+:\d+$/)
    .optional(),
  /** The agent's name and token: its proxy credentials. */
  PROXY_USER: z.string().optional(),
  TOKEN_FILE: z.string().optional(),
});
export type Settings = z.infer<typeof Settings>;
