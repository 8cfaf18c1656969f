import type { AgentId } from "@claws/contracts";
import type { ServiceClient } from "@claws/service-kit";
import type { ToolCatalogue } from "./upstream/tool-catalogue.ts";

const TRIES = 40;
const PAUSE_MS = 500;

/**
 * Has every agent's servers started before the first call asks, once those are there who must agree. Gives
 * up after a while: the first call then starts them itself, or is told what is missing.
 */
export async function warmUp(
  catalogue: ToolCatalogue,
  agents: readonly AgentId[],
  needed: readonly Pick<ServiceClient, "isReachable">[],
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const there = await Promise.all(needed.map((neighbour) => neighbour.isReachable()));
    if (there.every(Boolean)) {
      await Promise.all(agents.map((agent) => catalogue.list(agent)));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref());
  }
}
