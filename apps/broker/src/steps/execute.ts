import type { Journey, PreparedCall } from "../gate.ts";
import type { ServerConnection, UpstreamOutcome } from "../upstream/server-connection.ts";

/**
 * Sends the call: for an approved one, what the approval-gateway stored; else the frozen call that the
 * gates saw. Both are the same by digest, and nothing else of the request reaches the server.
 */
export function execute(
  prepared: PreparedCall,
  journey: Journey,
  connection: ServerConnection,
): Promise<UpstreamOutcome> {
  const call = journey.approval?.consumed.call ?? prepared.call;
  return connection.call({
    tool: call.tool,
    arguments: call.arguments,
    imageDigest: call.imageDigest,
    toolDefinitionHash: call.toolDefinitionHash,
    deadlineMs: prepared.terms.deadlineMs,
  });
}
