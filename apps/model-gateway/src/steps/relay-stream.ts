import type { Logger } from "@claws/service-kit";
import type { Dialect, Usage } from "../dialects/dialect.ts";
import { createSseReader } from "../sse-reader.ts";
import type { CallSettler } from "./settle-call.ts";

/**
 * Hands a provider's stream on chunk by chunk while counting. The call is settled before the last chunk's
 * end is seen, also when the agent goes away or the provider breaks off.
 */
export async function* relayStream(
  body: AsyncIterable<Uint8Array>,
  dialect: Dialect,
  settle: CallSettler,
  logger: Logger,
): AsyncGenerator<Uint8Array> {
  const count = createCounter(dialect, logger);
  let isComplete = false;
  try {
    for await (const chunk of body) {
      count.add(chunk);
      yield chunk;
    }
    isComplete = true;
  } finally {
    const usage = count.read();
    await settle(
      isComplete ? { kind: "answered", usage } : { kind: "failed", code: "stream_ended_early", usage },
    );
  }
}

/** A stream that cannot be read is still the agent's; only its usage is then unknown. */
function createCounter(dialect: Dialect, logger: Logger) {
  const meter = dialect.createUsageMeter();
  const reader = createSseReader((event) => meter.add(event));
  let isReadable = true;
  return {
    add(chunk: Uint8Array): void {
      if (!isReadable) return;
      try {
        reader.push(chunk);
      } catch (error) {
        isReadable = false;
        logger.warn({ reason: (error as Error).name }, "the provider's stream cannot be counted");
      }
    },
    read: (): Usage | undefined => (isReadable ? meter.read() : undefined),
  };
}
