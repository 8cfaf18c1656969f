import { createServer } from "node:https";
import {
  createHttpApp,
  mutualTlsOptions,
  readIdentity,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { createBatchesRoute } from "./batches-route.ts";
import { openLog } from "./open-log.ts";
import { createRecordWriter } from "./record-writer.ts";
import { createRecordsRoute } from "./records-route.ts";
import { logPathOf, type Settings } from "./settings.ts";

export async function createAuditorService(settings: Settings, { logger }: ServiceTools): Promise<Service> {
  const identity = readIdentity(settings.IDENTITY_DIR);
  const { file, end, spools, tornBytes } = await openLog(logPathOf(settings));
  const writer = createRecordWriter({ file, end, spools, now: () => new Date() });
  logger.info({ records: end.seq, lastHash: end.hash, tornBytes }, "audit log verified");
  if (tornBytes > 0) {
    const event = { event: "audit.recovered", outcome: "done", subject: "audit.jsonl" } as const;
    await writer.append({ ...event, detail: { bytes: tornBytes } }, "auditor");
  }
  const app = createHttpApp({
    service: "auditor",
    logger,
    routes: (routes) => {
      createRecordsRoute({ writer, logger })(routes);
      createBatchesRoute({ writer, logger })(routes);
    },
  });
  const server = createServer(mutualTlsOptions(identity), app);
  return {
    listeners: [{ server, host: settings.LISTEN_HOST, port: settings.LISTEN_PORT }],
    readiness: { log: () => writer.isWritable() },
    close: () => writer.close(),
  };
}
