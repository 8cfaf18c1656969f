import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createStackIdentities } from "@claws/certificates";
import type { ServiceName } from "@claws/contracts";
import {
  close,
  createLogger,
  createMetrics,
  createServiceClient,
  listen,
  type Service,
  type ServiceClient,
  type ServiceIdentity,
} from "@claws/service-kit";
import { createAuditorService } from "../service.ts";
import { Settings } from "../settings.ts";

export interface StartedAuditor {
  readonly port: number;
  readonly service: Service;
  readonly stop: () => Promise<void>;
}

/** A directory with an identity and a log, auditors on it one after the other, and clients of a stack. */
export interface AuditorBench {
  readonly directory: string;
  readonly settings: Settings;
  readonly identityOf: (service: ServiceName) => Promise<ServiceIdentity>;
  start(port?: number): Promise<StartedAuditor>;
  clientOf(name: ServiceName, port: number): Promise<ServiceClient>;
  readLog(): Record<string, unknown>[];
  /** Ends what was started and was not stopped, and removes the directory. */
  end(): Promise<void>;
}

export async function createAuditorBench(): Promise<AuditorBench> {
  const directory = mkdtempSync(join(tmpdir(), "auditor-"));
  const identityOf = await createStackIdentities();
  writeIdentity(directory, await identityOf("auditor"));
  const settings = Settings.parse({
    IDENTITY_DIR: directory,
    LOG_DIR: directory,
    LISTEN_HOST: "127.0.0.1",
    LISTEN_PORT: 0,
  });
  const clients: ServiceClient[] = [];
  const running = new Set<() => Promise<void>>();
  return {
    directory,
    settings,
    identityOf,
    async start(wanted = 0) {
      const logger = createLogger("auditor");
      logger.level = "silent";
      const service = await createAuditorService(settings, { logger, metrics: createMetrics("auditor") });
      const [listener] = service.listeners;
      if (listener === undefined) throw new Error("the auditor has a listener");
      const port = await listen(listener.server, wanted, listener.host);
      const stop = async () => {
        running.delete(stop);
        await close(listener.server, 100);
        await service.close?.();
      };
      running.add(stop);
      return { port, service, stop };
    },
    async clientOf(name, port) {
      const identity = await identityOf(name);
      const client = createServiceClient({ target: "auditor", host: "localhost", port, identity });
      clients.push(client);
      return client;
    },
    readLog() {
      const text = readFileSync(join(directory, "audit.jsonl"), "utf8");
      return text === ""
        ? []
        : text
            .trimEnd()
            .split("\n")
            .map((line) => JSON.parse(line));
    },
    async end() {
      for (const client of clients) await client.close();
      for (const stop of running) await stop();
      rmSync(directory, { recursive: true });
    },
  };
}

function writeIdentity(directory: string, { cert, key, ca }: ServiceIdentity): void {
  for (const [name, content] of Object.entries({ "tls.crt": cert, "tls.key": key, "ca.crt": ca })) {
    writeFileSync(join(directory, name), content);
    chmodSync(join(directory, name), 0o400);
  }
}
