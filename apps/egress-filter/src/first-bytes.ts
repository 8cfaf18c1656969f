import type { Socket } from "node:net";

/**
 * Reads from a socket until `isEnough` of what has arrived, `head` (what was read already) included; undefined when that
 * did not come in time, or the other side went away. Called off, it answers with what there is. The socket is paused
 * afterwards, and holds everything that is not in the answer.
 */
export async function readFirstBytes(
  socket: Socket,
  head: Buffer,
  timeoutMs: number,
  isEnough: (bytes: Buffer) => boolean = (bytes) => bytes.length > 0,
  calledOff?: AbortSignal,
): Promise<Buffer | undefined> {
  socket.pause();
  let bytes = head;
  if (isEnough(bytes)) return bytes;
  if (socket.destroyed || socket.readableEnded) return undefined;
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();

  function onReadable(): void {
    for (;;) {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      if (isEnough(bytes)) return settle(bytes);
    }
  }
  function onGone(): void {
    settle(undefined);
  }
  function onCalledOff(): void {
    settle(bytes);
  }
  function settle(answer: Buffer | undefined): void {
    clearTimeout(timer);
    socket.off("readable", onReadable).off("end", onGone).off("close", onGone);
    calledOff?.removeEventListener("abort", onCalledOff);
    socket.pause();
    resolve(answer);
  }
  const timer = setTimeout(onGone, timeoutMs);
  socket.on("readable", onReadable).once("end", onGone).once("close", onGone);
  calledOff?.addEventListener("abort", onCalledOff, { once: true });
  if (calledOff?.aborted) onCalledOff();
  return promise;
}

/** Calls back once a paused socket has ended without a byte that nobody has read yet. Returns what calls it off. */
export function onUnreadEnd(socket: Socket, callback: () => void): () => void {
  // A paused stream tells its end when it is asked for nothing and has nothing.
  const look = () => void (socket.readableLength === 0 && socket.read(0));
  const stop = () => void socket.off("readable", look).off("end", done).off("close", done);
  const done = () => {
    stop();
    callback();
  };
  if (socket.readableEnded || socket.destroyed) {
    callback();
    return stop;
  }
  socket.on("readable", look).once("end", done).once("close", done);
  return stop;
}
