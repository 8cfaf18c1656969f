import { connect, type Socket } from "node:net";
import { HELLO_REPLY } from "./bench-hello.ts";
import { ORIGIN, type Target } from "./target.ts";

/** What a client needs for one tunnel after another: buffers that are made once. */
export interface TunnelSlot {
  readonly target: Target;
  readonly hello: Buffer;
  readonly connectHead: Buffer | undefined;
  readonly buffer: Buffer;
}

export interface OpenTunnel {
  readonly socket: Socket;
  /** Milliseconds from the first packet to the end of the origin's answer. */
  readonly tookMs: number;
}

const HEAD_END = Buffer.from("\r\n\r\n", "latin1");
const TIMEOUT_MS = 20_000;

export function createTunnelSlot(target: Target, hello: Buffer, bufferSize = 16 * 1_024): TunnelSlot {
  const { proxyHeader } = target;
  const connectHead =
    proxyHeader === undefined
      ? undefined
      : Buffer.from(`CONNECT ${ORIGIN}:443 HTTP/1.1\r\nHost: ${ORIGIN}:443\r\n${proxyHeader}\r\n`, "latin1");
  return { target, hello, connectHead, buffer: Buffer.allocUnsafe(bufferSize) };
}

/**
 * Opens a tunnel, says hello in it and gives it back after the origin's answer; with `untilClosed` it
 * comes back when the origin has ended it. Rejects with the proxy's status line when it refuses.
 */
export async function openTunnel(slot: TunnelSlot, untilClosed: boolean): Promise<OpenTunnel> {
  const { promise, resolve, reject } = Promise.withResolvers<OpenTunnel>();
  const { target, hello, connectHead, buffer } = slot;
  let isOpen = connectHead === undefined;
  let received = 0;
  let tookMs = -1;
  const startedAt = performance.now();
  const socket = connect({
    host: target.address,
    port: target.port,
    noDelay: true,
    onread: {
      buffer,
      callback(size, chunk) {
        if (!isOpen) {
          const head = Buffer.from(chunk.buffer, chunk.byteOffset, size);
          const end = head.indexOf(HEAD_END);
          // A proxy sends its answer to CONNECT in one piece; whoever does not is measured with this error.
          if (end < 0 || head.readUInt8(9) !== 0x32) {
            socket.destroy(new Error(`${target.name}: ${head.toString("latin1").split("\r\n")[0]}`));
            return false;
          }
          isOpen = true;
          received = size - end - HEAD_END.length;
          socket.write(hello);
        } else {
          received += size;
        }
        if (tookMs < 0 && received >= HELLO_REPLY.length) {
          tookMs = performance.now() - startedAt;
          if (!untilClosed) resolve({ socket, tookMs });
        }
        return true;
      },
    },
  });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`${target.name}: no answer in time`)));
  socket.once("connect", () => void socket.write(connectHead ?? hello));
  socket.once("error", reject);
  socket.once("close", () => {
    if (tookMs >= 0) resolve({ socket, tookMs });
    else reject(new Error(`${target.name}: the connection was closed before the origin had answered`));
  });
  return promise;
}
