import { networkInterfaces } from "node:os";
import {
  createServiceClient,
  readIdentity,
  readPolicyFile,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { classifyAddress } from "./address-class.ts";
import { createAgentListener } from "./agent-listener.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { createConnections } from "./connections.ts";
import { createDecisionJournal } from "./decision-journal.ts";
import { createAgentDoor, createServiceDoor } from "./doors.ts";
import type { Outside } from "./judge.ts";
import type { Door } from "./judgement.ts";
import { createPipeline } from "./pipeline.ts";
import { createResolver } from "./resolve.ts";
import { createServiceListener } from "./service-listener.ts";
import type { Settings } from "./settings.ts";

/**
 * The composition root. `outside` is a parameter for tests alone, which reach their own servers through it;
 * no setting leads there.
 */
export async function createEgressFilterService(
  settings: Settings,
  { logger, metrics }: ServiceTools,
  outside: Outside = createOutside(),
): Promise<Service> {
  const identity = readIdentity(settings.IDENTITY_DIR);
  const policy = readPolicyFile(settings.POLICY_FILE);
  const auditor = createServiceClient({
    target: "auditor",
    host: settings.AUDITOR_HOST,
    port: settings.AUDITOR_PORT,
    identity,
  });
  const record = createAuditTrail(auditor);
  const journal = createDecisionJournal(logger, metrics);
  const idleMs = settings.IDLE_TIMEOUT_MS;

  // Each door has places of its own: a busy agent does not keep the models out of reach.
  const openDoor = (door: Door) => {
    const connections = createConnections(settings.MAX_TUNNELS);
    return { connections, admit: createPipeline({ door, outside, connections, record, journal }) };
  };
  const agents = openDoor(createAgentDoor(policy, settings.AGENT_ID));
  const services = openDoor(createServiceDoor(policy));

  return {
    listeners: [
      {
        server: createAgentListener({ admit: agents.admit, idleMs, logger }),
        host: settings.LISTEN_HOST,
        port: settings.LISTEN_PORT,
      },
      {
        server: createServiceListener({ admit: services.admit, identity, idleMs, logger }),
        host: settings.SERVICES_LISTEN_HOST,
        port: settings.SERVICES_LISTEN_PORT,
      },
    ],
    readiness: { auditor: () => auditor.isReachable() },
    drain() {
      agents.connections.closeAll("tunnel");
      services.connections.closeAll("tunnel");
    },
    async close() {
      agents.connections.closeAll();
      services.connections.closeAll();
      await auditor.close();
    },
  };
}

/** Interfaces are read each time: Docker attaches networks to a running container. */
function createOutside(): Outside {
  return { resolve: createResolver(), classify: (address) => classifyAddress(address, ownAddresses()) };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
