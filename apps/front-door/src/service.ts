import { Agent as HttpAgent, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { createProblem } from "@claws/contracts";
import {
  ConfigError,
  readIdentity,
  readSecretBytes,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { readDefaultRoute } from "./default-route.ts";
import { createDoor } from "./door.ts";
import { createFailureLimit } from "./failure-limit.ts";
import { createForward, type ForwardFailure } from "./forward.ts";
import { createLoginTokenStore } from "./login-token-store.ts";
import { watchNetwork } from "./network-watch.ts";
import { refuse } from "./refuse.ts";
import type { Settings } from "./settings.ts";

const LOOK_EVERY_MS = 5_000;
const MIN_KEY_BYTES = 32;

/** Composition root: two listeners, one login, one upstream each. */
export async function createFrontDoor(
  settings: Settings,
  { logger }: Pick<ServiceTools, "logger">,
): Promise<Service> {
  const identity = readIdentity(settings.IDENTITY_DIR);
  const sessionKey = readSessionKey(settings.IDENTITY_DIR);
  const tokens = createLoginTokenStore({ directory: settings.STATE_DIR });
  await tokens.prepare().catch((error: unknown) => {
    const reason = (error as Error).message;
    throw new ConfigError(
      `STATE_DIR cannot be used (${reason}): mount a volume there that uid ${process.getuid?.()} owns`,
    );
  });
  const hasWayOut = () => settings.REQUIRE_NO_DEFAULT_ROUTE && readDefaultRoute();
  const shared = {
    logger,
    tokens,
    failures: createFailureLimit({ max: 10, windowMs: 60_000, now: Date.now }),
    sessionKey,
    now: Date.now,
    publicHosts: settings.PUBLIC_HOSTS,
    hasWayOut,
  };
  const failureOf =
    (upstream: string) => (request: IncomingMessage, response: ServerResponse, failure: ForwardFailure) => {
      logger.warn({ upstream, reason: failure.reason }, "upstream does not answer");
      const detail = `${upstream} does not answer: see './claws status' and its log`;
      refuse(
        request,
        response,
        createProblem(failure.code, { service: upstream, detail, retryAfterMs: 2_000 }),
      );
    };
  const { hostname } = new URL(settings.APPROVAL_GATEWAY_URL);
  const consoleAgent = new HttpsAgent({
    ...identity,
    keepAlive: true,
    minVersion: "TLSv1.3",
    // Else Node takes the name to check from the Host header, which is the browser's.
    servername: isIP(hostname) === 0 ? hostname : "",
  });
  const logsAgent = new HttpAgent({ keepAlive: true });

  const consoleDoor = createDoor({
    ...shared,
    forward: createForward({
      target: settings.APPROVAL_GATEWAY_URL,
      agent: consoleAgent,
      headers: { "x-claws-operator": "owner" },
      onFailure: failureOf("approval-gateway"),
    }),
  });
  const logsDoor = createDoor({
    ...shared,
    forward: createForward({
      target: settings.DOZZLE_URL,
      agent: logsAgent,
      headers: {},
      onFailure: failureOf("dozzle"),
    }),
  });
  const stopWatching = watchNetwork({
    readInterfaces: networkInterfaces,
    everyMs: LOOK_EVERY_MS,
    onLost: () => {
      logger.fatal(
        "no network interface is left: netguard restarted; ending, to be started in its new namespace",
      );
      process.exit(1);
    },
  });

  return {
    listeners: [
      { server: consoleDoor, host: settings.LISTEN_HOST, port: settings.CONSOLE_PORT },
      { server: logsDoor, host: settings.LISTEN_HOST, port: settings.LOGS_PORT },
    ],
    readiness: { "no default route": () => !hasWayOut() },
    close: async () => {
      stopWatching();
      consoleAgent.destroy();
      logsAgent.destroy();
    },
  };
}

function readSessionKey(directory: string): Buffer {
  const path = join(directory, "session.key");
  const key = readSecretBytes(path);
  if (key.length >= MIN_KEY_BYTES) return key;
  throw new ConfigError(
    `secret file ${path} is shorter than ${MIN_KEY_BYTES} bytes: let bootstrap make it anew`,
  );
}
