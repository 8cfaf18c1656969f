import { randomBytes } from "node:crypto";
import { issueServerCredential } from "@claws/agent-token";
import { type AgentId, type ServerName, SessionId } from "@claws/contracts";
import { FILTER_ALIAS, type ToolNetworks } from "./tool-networks.ts";

/** The one way out of a server's container, for one run of it. */
export interface ServerDoor {
  readonly network: string;
  /** The only resolver: egress-filter's address on that network. */
  readonly resolver: string;
  /** With the credential of this run in it. */
  readonly proxyUrl: string;
  /** Never rejects. */
  readonly close: () => Promise<void>;
}

export interface ServerDoors {
  open(agent: AgentId, server: ServerName): Promise<ServerDoor>;
}

export interface ServerDoorsOptions {
  readonly networks: Pick<ToolNetworks, "join">;
  /** Shared with egress-filter, which verifies what is issued here. */
  readonly key: Buffer;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

const PROXY_PORT = 3128;
/** A run may last longer, but its way out does not: what leaked from it ends too. */
const LIFETIME_SECONDS = 24 * 3_600;

/** Gives each run of a server a network with egress-filter and a credential of its own. */
export function createServerDoors({ networks, key, now }: ServerDoorsOptions): ServerDoors {
  return {
    async open(agent, server) {
      const { name, filterAddress, leave } = await networks.join(agent, server);
      const { username, password } = issueServerCredential(key, {
        server,
        run: SessionId.parse(randomBytes(18).toString("base64url")),
        expiresAt: Math.floor(now() / 1_000) + LIFETIME_SECONDS,
      });
      return {
        network: name,
        resolver: filterAddress,
        proxyUrl: `http://${username}:${password}@${FILTER_ALIAS}:${PROXY_PORT}`,
        close: leave,
      };
    },
  };
}
