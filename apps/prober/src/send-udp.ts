import { createSocket } from "node:dgram";
import { type Attempt, type Outcome, PATIENCE_MS, readErrorCode } from "./attempt.ts";

export interface Exchange extends Attempt {
  /** What came back. */
  readonly answer?: Buffer;
}

/** Sends one datagram and waits for one back. Connected, so that the kernel's refusals are told. */
export async function sendUdp(address: string, port: number, payload: Uint8Array): Promise<Exchange> {
  const { promise, resolve } = Promise.withResolvers<{ outcome: Outcome; answer?: Buffer }>();
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const fail = (error: Error | null | undefined) => {
    if (!error) return;
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    resolve({ outcome: readErrorCode(code, address) });
  };
  const timer = setTimeout(() => resolve({ outcome: { kind: "silent" } }), PATIENCE_MS);
  socket.on("error", fail);
  socket.once("message", (answer) => resolve({ outcome: { kind: "answered" }, answer }));
  // A failure is the callback's argument, though the typings leave it out.
  const onConnect = (error?: Error) => (error ? fail(error) : socket.send(payload, fail));
  socket.connect(port, address, onConnect);
  const { outcome, answer } = await promise;
  clearTimeout(timer);
  socket.close();
  return { protocol: "udp", address, port, outcome, ...(answer === undefined ? {} : { answer }) };
}
