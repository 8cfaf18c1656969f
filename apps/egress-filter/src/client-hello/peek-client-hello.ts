import type { Socket } from "node:net";
import type { ClientHello, HelloFault, HelloReading, HelloRefusal } from "./client-hello.ts";
import { createHelloReader, MAX_HELLO_BYTES } from "./read-client-hello.ts";

export interface PeekOptions {
  /** For the whole hello, not for each piece of it. */
  readonly timeoutMs?: number;
}

export type PeekResult =
  | {
      readonly ok: true;
      readonly hello: ClientHello;
      /** All that was taken from the client, what followed the hello included: to be sent on as it is. */
      readonly bytes: Buffer;
    }
  | HelloRefusal<HelloFault | "hello_timeout" | "closed">;

export const HELLO_TIMEOUT_MS = 10_000;

/**
 * Reads from the client until its ClientHello is read or refused; `head` is what `connect` of node:http gave
 * beside the socket. It writes nothing and ends nothing. Afterwards the socket is paused, has none of our
 * listeners, and holds everything that is not in `bytes`, the end of the stream included: pipe it.
 */
export async function peekClientHello(
  client: Socket,
  head: Buffer,
  { timeoutMs = HELLO_TIMEOUT_MS }: PeekOptions = {},
): Promise<PeekResult> {
  client.pause();
  if (client.destroyed) return closed("before it sent a TLS ClientHello");
  const reader = createHelloReader();
  const early = reader.push(head);
  // `head` itself, since it may be longer than what the reader keeps. It is not put back into the socket:
  // one that has ended already would take that as an error.
  if (early) return peeked(early, head);
  if (client.readableEnded) return closed("before its TLS ClientHello was complete");

  const { promise, resolve } = Promise.withResolvers<PeekResult>();
  let taken = head.length;

  function readOn(): void {
    for (;;) {
      // Never more than may still belong to the hello: the rest stays in the socket, which knows how to wait.
      // Without bytes this asks for zero, which is how a stream is brought to tell its end.
      const wanted = Math.min(client.readableLength, MAX_HELLO_BYTES - taken);
      const chunk = client.read(wanted) as Buffer | null;
      if (chunk === null) return;
      taken += chunk.length;
      const reading = reader.push(chunk);
      if (reading) return settle(peeked(reading, reader.bytes()));
    }
  }
  function onEnd(): void {
    settle(closed("before its TLS ClientHello was complete"));
  }
  function onError(error: NodeJS.ErrnoException): void {
    settle(closed(`with ${error.code ?? error.message}, before its TLS ClientHello was complete`));
  }
  function onTimeout(): void {
    const detail = `the TLS ClientHello must be complete ${timeoutMs} ms after the tunnel was opened`;
    settle({ ok: false, reason: "hello_timeout", detail });
  }
  /** At once and not after the promise: another `readable` in between would take bytes that nobody gets. */
  function settle(result: PeekResult): void {
    clearTimeout(timer);
    client.off("readable", readOn).off("end", onEnd).off("close", onEnd).off("error", onError);
    resolve(result);
  }

  const timer = setTimeout(onTimeout, timeoutMs);
  client.on("readable", readOn).on("end", onEnd).on("close", onEnd).on("error", onError);
  return promise;
}

function peeked(reading: HelloReading, bytes: Buffer): PeekResult {
  return reading.ok ? { ...reading, bytes } : reading;
}

function closed(how: string): PeekResult {
  return { ok: false, reason: "closed", detail: `the client closed the connection ${how}` };
}
