import type { EgressCaller } from "@claws/contracts";

/** One word for a caller, whatever its session: in the overlay file, in the audit, for the cap on open questions. */
export function nameOfCaller(caller: EgressCaller): string {
  return caller.kind === "agent" ? `agent:${caller.agent}` : `server:${caller.server}`;
}
