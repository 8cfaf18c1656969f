import type { EgressCaller, ServiceName } from "@claws/contracts";

/** Who asks for a way out: an agent, an MCP server with a grant, or the one service of ours that has one. */
export type Caller = EgressCaller | { readonly kind: "service"; readonly service: ServiceName };

/** One word for a caller: in the log, in quotas, in the overlay file. */
export function nameOf(caller: Caller): string {
  switch (caller.kind) {
    case "agent":
      return `agent:${caller.agent}`;
    case "server":
      return `server:${caller.server}`;
    case "service":
      return `service:${caller.service}`;
  }
}
