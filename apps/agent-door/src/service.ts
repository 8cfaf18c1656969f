import type { Service, ServiceTools } from "@claws/service-kit";
import { createCredentialReader } from "./credential.ts";
import { createDoor } from "./door.ts";
import type { Settings } from "./settings.ts";
import { createUpstream } from "./upstream.ts";

/** The composition root. */
export async function createAgentDoorService(
  settings: Settings,
  { logger }: Pick<ServiceTools, "logger">,
): Promise<Service> {
  const upstream = createUpstream({
    host: settings.UPSTREAM_HOST,
    port: settings.UPSTREAM_PORT,
    now: () => performance.now(),
  });
  const readCredential = createCredentialReader(settings.AGENT_ID, settings.TOKEN_FILE);
  const reading = readCredential();
  // Later it may be there: each request looks again.
  if (!reading.ok) logger.warn({ detail: reading.problem.detail }, "no credential for the agent yet");
  const { server, closeTunnels } = createDoor({ upstream, readCredential });
  return {
    listeners: [{ server, host: settings.LISTEN_HOST, port: settings.LISTEN_PORT }],
    readiness: { token: () => readCredential().ok, "egress-filter": () => upstream.isReachable() },
    drain: closeTunnels,
  };
}
