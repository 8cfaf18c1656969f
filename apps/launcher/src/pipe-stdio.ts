import type { Duplex } from "node:stream";
import { createDemultiplexer } from "./demultiplexer.ts";

/** Which side ended a stream, and why if it was not its own doing. */
export interface StdioEnd {
  readonly by: "caller" | "server";
  readonly error?: Error;
}

/** How long a caller may take to read the last bytes of a server that ended. */
const DRAIN_MS = 2_000;

/**
 * Carries bytes between a caller and a container's multiplexed stdio until either of them ends, then
 * closes both. What the server wrote before it ended still reaches the caller.
 */
export async function pipeStdio(
  caller: Duplex,
  container: Duplex,
  onStderr: (chunk: Buffer) => void,
): Promise<StdioEnd> {
  const demultiplexer = createDemultiplexer(onStderr);
  const { promise, resolve } = Promise.withResolvers<StdioEnd>();
  const endBy = (by: StdioEnd["by"]) => (error?: Error) =>
    resolve(error instanceof Error ? { by, error } : { by });

  caller.on("error", endBy("caller")).on("end", endBy("caller")).on("close", endBy("caller"));
  container.on("error", endBy("server"));
  // Closing after its regular end says nothing new, and the demultiplexer may still hold bytes.
  container.on("close", () => container.readableEnded || endBy("server")());
  demultiplexer.on("error", endBy("server")).on("end", endBy("server"));
  caller.pipe(container, { end: false });
  container.pipe(demultiplexer).pipe(caller);
  if (caller.destroyed) resolve({ by: "caller" });
  if (container.destroyed) resolve({ by: "server" });

  const end = await promise;
  if (end.by === "server" && end.error === undefined) await drain(caller);
  caller.destroy();
  container.destroy();
  demultiplexer.destroy();
  return end;
}

/** Closing a socket with unread bytes resets it, and the other side may lose what was sent: read on until it closes. */
async function drain(caller: Duplex): Promise<void> {
  if (caller.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, DRAIN_MS);
  caller.once("close", resolve);
  caller.unpipe();
  caller.resume();
  caller.end();
  await promise;
  clearTimeout(timer);
}
