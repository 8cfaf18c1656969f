import { ProblemError } from "@claws/service-kit";

/** Runs one exchange with Redis; whatever goes wrong becomes `service_unavailable` naming redis. */
export async function askRedis<Reply>(exchange: () => Promise<Reply>): Promise<Reply> {
  try {
    return await exchange();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw ProblemError.of(
      "service_unavailable",
      {
        service: "redis",
        detail: `redis cannot be asked (${reason}): try again, or see './claws status'`,
        retryAfterMs: 1_000,
      },
      { cause: error },
    );
  }
}
