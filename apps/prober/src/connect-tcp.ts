import { connect } from "node:net";
import { type Attempt, type Outcome, PATIENCE_MS, readErrorCode } from "./attempt.ts";

/** Opens a TCP connection and closes it again. */
export async function connectTcp(address: string, port: number): Promise<Attempt> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const socket = connect({ host: address, port });
  socket.setTimeout(PATIENCE_MS, () => resolve({ kind: "silent" }));
  socket.once("connect", () => resolve({ kind: "answered" }));
  socket.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => resolve(readErrorCode(code, address)));
  const outcome = await promise;
  socket.destroy();
  return { protocol: "tcp", address, port, outcome };
}
