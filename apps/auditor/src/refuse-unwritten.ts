import { type Logger, ProblemError } from "@claws/service-kit";
import { WriteRefused } from "./record-writer.ts";

/** What a caller reads when the disk did not take its records; any other error is passed on as it is. */
export function refuseUnwritten(logger: Logger): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof WriteRefused)) throw error;
    logger.error({ err: error }, "audit log cannot be written");
    throw ProblemError.of("service_unavailable", {
      service: "auditor",
      detail: "audit log cannot be written: free space on its disk, or see the log of auditor",
      retryAfterMs: 1_000,
    });
  };
}
