import type { AuditEvent } from "@claws/contracts";
import type { Logger, Service, ServiceTools } from "@claws/service-kit";
import { createSharedCount } from "./connections.ts";
import { createDnsSide } from "./dns-side.ts";
import { createEgressMetrics } from "./egress-metrics.ts";
import type { Outside } from "./judge.ts";
import { createServicesSide } from "./services-side.ts";
import type { Settings } from "./settings.ts";
import { createThread } from "./thread.ts";
import { createToolListeners } from "./tool-listeners.ts";
import { startWorkers } from "./workers.ts";

/** What the service finds around it; tests bring an internet of their own, and no setting leads there. */
export interface Surroundings {
  readonly outside: Outside;
  /** Where the lines about decisions go, which come by the thousand. */
  readonly lines: Logger;
}

/**
 * The composition root: the agents' listener (on one or more threads), the listener of our own services, the policy
 * DNS.
 */
export async function createEgressFilterService(
  settings: Settings,
  { logger, metrics: registry }: ServiceTools,
  { outside, lines }: Surroundings,
): Promise<Service> {
  const metrics = createEgressMetrics(registry);
  const memory = new SharedArrayBuffer(4);
  const count = createSharedCount(memory);
  const thread = await createThread({ settings, logger, metrics, outside, number: 0, count, lines });
  const { policy, records, agents, identity } = thread;
  const services = createServicesSide({ policy, outside, records, metrics, logger, identity });
  const append = (event: AuditEvent) => thread.spool.append(event);
  const dns = await createDnsSide({ settings, policy, append, logger, registry });
  const toolListeners = createToolListeners({
    pool: settings.TOOL_POOL,
    port: settings.LISTEN_PORT,
    createListener: () => agents.createListener("server"),
    createDns: (address) => dns.forServers(address),
    logger,
  });
  const workers = startWorkers({ settings, memory, metrics, logger });
  await dns.forAgents.start();

  return {
    listeners: [
      {
        server: agents.createListener("agent"),
        host: settings.LISTEN_HOST,
        port: settings.LISTEN_PORT,
        reusePort: settings.WORKERS > 1,
      },
      services.listener(settings),
      dns.forAgents.listener,
    ],
    readiness: thread.readiness,
    drain() {
      agents.connections.closeAll("tunnel");
      services.connections.closeAll("tunnel");
      workers.drain();
      dns.forAgents.drain();
    },
    async close() {
      await toolListeners.close();
      await workers.close();
      services.close();
      await dns.forAgents.close();
      await thread.close();
    },
  };
}
