import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Logger } from "@claws/service-kit";
import * as z from "zod";
import type { EgressMetrics } from "./egress-metrics.ts";
import type { Settings } from "./settings.ts";

/** Further threads for the agents' listener: each takes its share of the connections from the kernel. */
export interface Workers {
  drain(): void;
  close(): Promise<void>;
}

export interface WorkersParts {
  readonly settings: Settings;
  /** The count of open connections, of all threads. */
  readonly memory: SharedArrayBuffer;
  readonly metrics: EgressMetrics;
  readonly logger: Logger;
}

export const Order = z.enum(["drain", "close"]);
/** What a worker counted since it last said so: names of `EgressMetrics` methods, with what they are called with. */
export type Counted = {
  [Name in keyof EgressMetrics]: [Name, ...Parameters<EgressMetrics[Name]>];
}[keyof EgressMetrics];

/** A worker that dies takes the process with it, to be restarted clean: half a guard is worse than none. */
export function startWorkers({ settings, memory, metrics, logger }: WorkersParts): Workers {
  const workers = Array.from({ length: settings.WORKERS - 1 }, (_, index) => {
    const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
      workerData: { settings, memory, number: index + 1 },
    });
    worker.on("message", (counted: readonly Counted[]) => {
      for (const entry of counted) count(metrics, entry);
    });
    worker.on("error", (error) => {
      logger.fatal({ err: error }, "a worker ended with an error");
      throw error;
    });
    return worker;
  });
  return {
    drain: () => workers.forEach((worker) => tell(worker, "drain")),
    async close() {
      await Promise.all(
        workers.map(async (worker) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          worker.once("exit", () => resolve());
          tell(worker, "close");
          await promise;
        }),
      );
    },
  };
}

function tell(worker: Worker, order: z.infer<typeof Order>): void {
  // A thread, not a window: there is no origin to name.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  worker.postMessage(order);
}

function count(metrics: EgressMetrics, [name, ...values]: Counted): void {
  // The union of tuples is a correlation that a call through an index cannot see.
  (metrics[name] as (...given: typeof values) => void)(...values);
}
