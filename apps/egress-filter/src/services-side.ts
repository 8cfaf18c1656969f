import type { Listener, Logger, ServiceIdentity } from "@claws/service-kit";
import { readLimits } from "./agents-side.ts";
import { type Connections, createConnections } from "./connections.ts";
import { createServiceDoor } from "./doors.ts";
import type { EgressMetrics } from "./egress-metrics.ts";
import type { EgressRecords } from "./egress-records.ts";
import { enforcePolicy } from "./enforce-policy.ts";
import type { Outside } from "./judge.ts";
import type { LivePolicy } from "./live-policy.ts";
import { createPipeline, type Standing } from "./pipeline.ts";
import { createNoQuotas } from "./quota/unlimited.ts";
import { createServiceListener } from "./service-listener.ts";
import type { Settings } from "./settings.ts";
import { createTunnel } from "./tunnel.ts";

/** Places of their own: a busy agent does not keep the models out of reach. */
const MAX_CONNECTIONS = 256;

export interface ServicesSideParts {
  readonly policy: LivePolicy;
  readonly outside: Outside;
  readonly records: EgressRecords;
  readonly metrics: EgressMetrics;
  readonly logger: Logger;
  readonly identity: ServiceIdentity;
}

export interface ServicesSide {
  readonly connections: Connections<Standing>;
  listener(settings: Settings): Listener;
  close(): void;
}

/** Everything behind the services' listener: model-gateway's way to the model providers. */
export function createServicesSide(parts: ServicesSideParts): ServicesSide {
  const { policy, outside, records, metrics, logger, identity } = parts;
  const door = createServiceDoor(policy);
  const connections = createConnections<Standing>(() => MAX_CONNECTIONS);
  const admit = createPipeline({
    door,
    outside,
    connections,
    records,
    metrics,
    logger,
    quotas: createNoQuotas(),
    precondition: () => undefined,
    // No rule here asks: they are made from the list of models.
    ask: async () => ({ reason: "ask_denied", detail: "nobody is asked about our own services" }),
  });
  const openTunnel = createTunnel({
    dial: outside.dial,
    limits: () => readLimits(policy),
    takePlainHttp: refuseReadable,
    takeInspected: refuseReadable,
  });
  policy.onChange(() => void enforcePolicy(connections, door));

  return {
    connections,
    listener: (settings) => ({
      server: createServiceListener({ admit, openTunnel, identity, logger }),
      host: settings.SERVICES_LISTEN_HOST,
      port: settings.SERVICES_LISTEN_PORT,
    }),
    close: () => connections.closeAll(),
  };
}

/** Keys travel here: a provider that is not spoken to in TLS is none. */
function refuseReadable(
  ...[client, , admitted]: Parameters<Parameters<typeof createTunnel>[0]["takePlainHttp"]>
) {
  admitted.finish({ reason: "not_tls", bytesUp: 0, bytesDown: 0 });
  client.destroy();
}
