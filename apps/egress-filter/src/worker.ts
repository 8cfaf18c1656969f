import { parentPort, workerData } from "node:worker_threads";
import { createBufferedLogger, createLogger, listen } from "@claws/service-kit";
import { createSharedCount } from "./connections.ts";
import type { EgressMetrics } from "./egress-metrics.ts";
import { createOutside } from "./outside.ts";
import type { Settings } from "./settings.ts";
import { createThread } from "./thread.ts";
import { type Counted, Order } from "./workers.ts";

const FLUSH_MS = 1_000;

/** Counts where the registry is: in the main thread, a second later. */
function createRemoteMetrics(post: (counted: Counted[]) => void): EgressMetrics & { flush(): void } {
  let counted: Counted[] = [];
  const flush = () => {
    if (counted.length > 0) post(counted);
    counted = [];
  };
  setInterval(flush, FLUSH_MS).unref();
  const noting =
    <Name extends keyof EgressMetrics>(name: Name) =>
    (...values: Parameters<EgressMetrics[Name]>) =>
      void counted.push([name, ...values] as unknown as Counted);
  return {
    decided: noting("decided"),
    closed: noting("closed"),
    opened: noting("opened"),
    ended: noting("ended"),
    flush,
  };
}

async function runWorker(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("a worker has a parent");
  const { settings, memory, number } = workerData as {
    settings: Settings;
    memory: SharedArrayBuffer;
    number: number;
  };
  const logger = createLogger("egress-filter");
  const metrics = createRemoteMetrics((counted) => port.postMessage(counted));
  const count = createSharedCount(memory);
  const lines = createBufferedLogger("egress-filter");
  const thread = await createThread({
    settings,
    logger,
    metrics,
    outside: createOutside(),
    number,
    count,
    lines,
  });
  const server = thread.agents.createListener("agent");
  await listen(server, settings.LISTEN_PORT, settings.LISTEN_HOST, true);
  port.on("message", (message: unknown) => {
    const order = Order.parse(message);
    thread.agents.connections.closeAll("tunnel");
    if (order === "drain") return void server.close();
    metrics.flush();
    void thread.close().then(() => process.exit(0));
  });
}

await runWorker();
