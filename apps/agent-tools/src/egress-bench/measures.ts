import { connect } from "node:net";
import { createBenchHello } from "./bench-hello.ts";
import { ORIGIN, type Target } from "./target.ts";
import { createTunnelSlot, openTunnel } from "./tunnel.ts";

const HEAD_END = Buffer.from("\r\n\r\n", "latin1");
const HTTP_CONNECTIONS = 16;
const ANSWER_BODY = 1_024;

/** Milliseconds for CONNECT and one round trip, one after another: the median. */
export async function measureConnectP50(target: Target, count: number): Promise<number> {
  const hello = await createBenchHello(ORIGIN, { task: "reply-and-close" });
  const slot = createTunnelSlot(target, hello);
  const times: number[] = [];
  for (let index = 0; index < count; index++) times.push((await openTunnel(slot, true)).tookMs);
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? Number.NaN;
}

/** Opens, uses and closes this many tunnels. */
export async function runTunnels(target: Target, count: number, concurrent: number): Promise<void> {
  const hello = await createBenchHello(ORIGIN, { task: "reply-and-close" });
  let left = count;
  const work = async () => {
    const slot = createTunnelSlot(target, hello);
    while (left-- > 0) await openTunnel(slot, true);
  };
  await Promise.all(Array.from({ length: concurrent }, work));
}

/** Tunnels a second, from CONNECT to the end of both halves. */
export async function measureTunnelRate(target: Target, concurrent: number, forMs: number): Promise<number> {
  const hello = await createBenchHello(ORIGIN, { task: "reply-and-close" });
  let done = 0;
  const startedAt = performance.now();
  const work = async () => {
    const slot = createTunnelSlot(target, hello);
    while (performance.now() - startedAt < forMs) {
      await openTunnel(slot, true);
      done++;
    }
  };
  await Promise.all(Array.from({ length: concurrent }, work));
  return done / ((performance.now() - startedAt) / 1_000);
}

/** Gbit/s of one download through one tunnel, from CONNECT to the last byte. */
export async function measureThroughput(target: Target, mebibytes: number): Promise<number> {
  const hello = await createBenchHello(ORIGIN, { task: "stream", mebibytes });
  const slot = createTunnelSlot(target, hello, 256 * 1_024);
  const startedAt = performance.now();
  const { socket } = await openTunnel(slot, true);
  const seconds = (performance.now() - startedAt) / 1_000;
  const expected = mebibytes * 1_048_576;
  if (socket.bytesRead < expected)
    throw new Error(`${target.name}: ${socket.bytesRead} of ${expected} bytes arrived`);
  return (expected * 8) / seconds / 1e9;
}

/** Plain HTTP requests a second in absolute-form, over connections that are kept alive. */
export async function measureHttpRate(target: Target, forMs: number): Promise<number> {
  const request = Buffer.from(
    `GET http://${ORIGIN}/ HTTP/1.1\r\nHost: ${ORIGIN}\r\n${target.proxyHeader ?? ""}\r\n`,
    "latin1",
  );
  const startedAt = performance.now();
  const isOver = () => performance.now() - startedAt >= forMs;
  const counts = await Promise.all(
    Array.from({ length: HTTP_CONNECTIONS }, () => repeatRequest(target, request, isOver)),
  );
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - startedAt) / 1_000);
}

async function repeatRequest(target: Target, request: Buffer, isOver: () => boolean): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let answers = 0;
  let head: Buffer = Buffer.alloc(0);
  let bodyLeft = -1;
  const socket = connect({
    host: target.address,
    port: target.port,
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(16 * 1_024),
      callback(size, chunk) {
        const part = Buffer.from(chunk.buffer, chunk.byteOffset, size);
        if (bodyLeft < 0) {
          const text = head.length === 0 ? part : Buffer.concat([head, part]);
          const end = text.indexOf(HEAD_END);
          if (end < 0) {
            head = Buffer.from(text);
            return true;
          }
          if (text.readUInt8(9) !== 0x32) {
            socket.destroy(new Error(`${target.name}: ${text.toString("latin1").split("\r\n")[0]}`));
            return false;
          }
          head = Buffer.alloc(0);
          bodyLeft = ANSWER_BODY - (text.length - end - HEAD_END.length);
        } else {
          bodyLeft -= size;
        }
        if (bodyLeft > 0) return true;
        bodyLeft = -1;
        answers++;
        if (isOver()) socket.end();
        else socket.write(request);
        return true;
      },
    },
  });
  socket.once("connect", () => void socket.write(request));
  socket.once("error", reject);
  socket.once("close", () => {
    if (isOver()) resolve(answers);
    else reject(new Error(`${target.name}: a kept connection was closed after ${answers} requests`));
  });
  return promise;
}
